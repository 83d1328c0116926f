"""Every hot path of the service against its physical limit and against what one would use instead. See README.md."""
