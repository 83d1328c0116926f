"""Header names with capitals, as servers of HTTP/1.1 have always written them.

They mean the same in any spelling, and uvicorn sends them in lower case. But a client that keeps an answer's headers in
a plain dictionary finds them only as it spells them itself.
"""

from collections.abc import Iterable

_OWN_WAYS = {b"etag": b"ETag", b"www-authenticate": b"WWW-Authenticate"}


_READ_BY_UVICORN = {b"content-length", b"transfer-encoding", b"connection"}  # as it spells them


class _Spelled(bytes):
    def lower(self) -> "_Spelled":
        """Itself: uvicorn asks for this before it sends a name."""
        return self


def with_capitals(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """For uvicorn alone: other readers would not find these names."""
    return [(name if name in _READ_BY_UVICORN else _spelled(name), value) for name, value in headers]


def _spelled(name: bytes) -> bytes:
    return _Spelled(_OWN_WAYS.get(name, name.title()))
