"""One module for each kind of row; each row is a function of a `Run` to a `Result`."""
