"""A transport that closes so that its client can read the last answer, within bounded time.

Closing a socket while its client still sends resets it, and the reset discards the answer (413, 401, …) that waits in
the client's buffer. So the transport stops writing, and discards what still comes, up to a number of bytes and seconds
(RFC 9112, 9.6). If the client takes nothing, the transport aborts the connection.

While open, it sends the head of an answer together with what follows.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from image_service.edge.limits import LINGER_BYTES, LINGER_SECONDS, ConnectionLimits

HEAD = b"HTTP/"  # start of an answer
RESET = struct.pack("ii", 1, 0)  # struct linger: on, 0 seconds


class LingeringTransport(asyncio.Transport):
    """Wraps a connection's real `transport`; delays an answer's head as `write` describes."""

    def __init__(self, transport: asyncio.Transport, limits: ConnectionLimits, is_sending: Callable[[], bool]) -> None:
        """`is_sending` tells whether the client is still in the middle of a request."""
        super().__init__()
        self._transport = transport
        self._limits = limits
        self._is_sending = is_sending
        self._loop = asyncio.get_running_loop()
        self._room = LINGER_BYTES
        self._timer: asyncio.TimerHandle | None = None
        self._is_closing = self._is_lost = False
        self._head: bytes | bytearray | memoryview = b""  # of an answer; sent with its body

    def close(self) -> None:
        """Stop writing. End the connection once the client is done, or after LINGER_SECONDS."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._transport.is_closing():
            return
        self._flush()
        if self._is_sending() and self._transport.can_write_eof():
            self._transport.write_eof()  # after all written data
            self._transport.resume_reading()
            self._timer = self._loop.call_later(LINGER_SECONDS, self.end)
        else:
            self.end()

    def end(self) -> None:
        """Stop lingering. The client may still read the written data, at the minimum rate."""
        self._is_closing = True
        self._cancel()
        self._flush()
        self._transport.close()
        self._watch(self._transport.get_write_buffer_size())

    def _watch(self, left: int) -> None:
        if left:
            self._timer = self._loop.call_later(self._limits.stall_seconds, self._look, left)

    def _look(self, before: int) -> None:
        left = self._transport.get_write_buffer_size()
        if before - left < self._limits.stall_seconds * self._limits.bytes_per_second:
            self.abort()
        else:
            self._watch(left)

    def discard(self, count: int) -> None:
        """Count bytes that came after `close`."""
        self._room -= count
        if self._room < 0:
            self.abort()

    def lost(self) -> None:
        """The connection is lost."""
        self._is_closing = self._is_lost = True
        self._head = b""
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def is_closing(self) -> bool:
        return self._is_closing or self._transport.is_closing()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold the head of an answer until the next write in this turn of the event loop, and send both together: one
        system call and one packet instead of two.
        """
        if self._is_closing:
            return
        if self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, data))
        elif data[:5] == HEAD:
            self._head = data
            self._loop.call_soon(self._flush)
        else:
            self._transport.write(data)

    def _flush(self) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(head)

    def abort(self) -> None:
        """Reset: the system also drops its unsent data, up to megabytes."""
        if self._is_lost:
            return
        self.lost()
        if connection := self.get_extra_info("socket"):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._transport.abort()

    def pause_reading(self) -> None:
        if not self._is_closing:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._is_closing:
            self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def get_write_buffer_size(self) -> int:
        return len(self._head) + self._transport.get_write_buffer_size()
