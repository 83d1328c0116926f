"""How long the database may take, in seconds. Apart from `database`, so that settings need not import that."""

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 15.0  # longer than any statement of ours takes; a paused server must not hold a request for ever
