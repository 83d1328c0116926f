"""What one connection may cost before, while and after a request is answered."""

from dataclasses import dataclass

MAX_HEAD_BYTES = 32 * 1024  # request line and headers; ordinary clients send a tenth of it
MAX_HEADERS = 100  # several times what a browser and its proxies send
MAX_FRAMING_BYTES = 1024 * 1024  # chunk sizes, their extensions, trailers: 14.5 MB come in chunks of 128 bytes
MAX_PIPELINED = 6  # requests that wait for an answer on one connection; no client that we know sends more than one
SEND_BUFFER_BYTES = 256 * 1024  # that the system holds for a client, twice that with its own; up to 4 MB by itself
SMALL_BYTES = 64 * 1024  # of an answer that is sent at once, however much waits: asyncio's own mark for backed up
HEALTH_PLACES = 8  # connections beyond the most, for heads that turn out to ask for health
FAIR_BYTES_PER_SECOND = 32_000  # a client that reads at this pace keeps its connection: 256 kbit/s
PACE_SECONDS = 1.0  # over which it is measured
LINGER_BYTES = 64 * 1024 * 1024  # read past after an answer that came early: a whole photo that is too heavy
LINGER_SECONDS = 30.0  # for that; 18 MB at 5 Mbit/s


@dataclass(frozen=True)
class ConnectionLimits:
    connections: int = 1000  # at once in a process; two file descriptors each
    head_seconds: float = 10.0  # from the first byte, or the connection, to the end of the headers
    body_seconds: float = 300.0  # that we wait for a body, all in all; 14.5 MB at 0.4 Mbit/s
    stall_seconds: float = 15.0  # that a client may send or take nothing: a phone in a tunnel
    bytes_per_second: int = 8_000  # beyond that: 64 kbit/s, both ways
    buffered_bytes: int = 128 * 1024 * 1024  # that wait for all clients together: a sixth of what a worker may have
