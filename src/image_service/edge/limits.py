"""What one connection may cost before, while and after a request is answered."""

from dataclasses import dataclass

MAX_HEAD_BYTES = 32 * 1024  # request line and headers; ordinary clients send a tenth of it
MAX_HEADERS = 100  # several times what a browser and its proxies send
MAX_FRAMING_BYTES = 1024 * 1024  # chunk sizes, their extensions, trailers: 14.5 MB come in chunks of 128 bytes
MAX_PIPELINED = 6  # requests that wait for an answer on one connection; known clients send one at most
SEND_BUFFER_BYTES = 256 * 1024  # socket send buffer; the system doubles it; unset, it grows to 4 MB
SMALL_BYTES = 64 * 1024  # answers up to this size are sent at once: asyncio's high-water mark
HEALTH_PLACES = 8  # connections beyond the limit, kept for health checks
FAIR_BYTES_PER_SECOND = 32_000  # a client that reads at this pace keeps its connection: 256 kbit/s
PACE_SECONDS = 1.0  # measuring interval
LINGER_BYTES = 64 * 1024 * 1024  # discarded after an early answer: a whole photo that is too heavy
LINGER_SECONDS = 30.0  # for it; 18 MB at 5 Mbit/s


@dataclass(frozen=True)
class ConnectionLimits:
    connections: int = 1000  # at once in a process; two file descriptors each
    head_seconds: float = 10.0  # from the first byte, or the connection, to the end of the headers
    body_seconds: float = 300.0  # total wait for a body; 14.5 MB at 0.4 Mbit/s
    stall_seconds: float = 15.0  # allowed without progress: a phone in a tunnel
    bytes_per_second: int = 8_000  # minimum after that: 64 kbit/s, both ways
    buffered_bytes: int = 128 * 1024 * 1024  # for all clients together: a sixth of a worker's memory
