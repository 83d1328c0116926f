"""Header names with capitals, as HTTP/1.1 servers usually write them.

Header names are case-insensitive, and uvicorn sends them in lower case. But a client that keeps headers in a plain
dictionary finds them only in its own spelling.
"""

from collections.abc import Iterable

_OWN_WAYS = {b"etag": b"ETag", b"www-authenticate": b"WWW-Authenticate"}


_READ_BY_UVICORN = {b"content-length", b"transfer-encoding", b"connection"}  # in its spelling


class _Spelled(bytes):
    def lower(self) -> "_Spelled":
        """Unchanged: uvicorn calls this before it sends a name."""
        return self


def with_capitals(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """For uvicorn only: other readers would not find the names."""
    return [(name if name in _READ_BY_UVICORN else _spelled(name), value) for name, value in headers]


def _spelled(name: bytes) -> bytes:
    return _Spelled(_OWN_WAYS.get(name, name.title()))
