"""The limits of the database, and of its use. Settings import only this module of the package."""

MAX_BIGINT = 2**63 - 1  # PostgreSQL's bigint: the largest id
LEAST_CONNECTIONS = 2  # of a process: one for each way

# Seconds
CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 15.0  # longer than any statement of ours takes; a paused server must not hold a request for ever
WAIT_SECONDS = 5.0  # for a connection, while all are in use
CLOSE_SECONDS = 2.0  # for a graceful end of a connection or its statement; then it is aborted
CHECK_SECONDS = 3.0
