"""How long the database may take, and how large a number it holds. Settings import these, and no more of this room."""

MAX_BIGINT = 2**63 - 1  # PostgreSQL's bigint: the largest id
CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 15.0  # longer than any statement of ours takes; a paused server must not hold a request for ever
