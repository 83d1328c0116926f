"""What is measured: the service, what limits it, and what one would use instead; each a server while a block runs."""
