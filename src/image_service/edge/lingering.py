"""A transport that closes so that its client can read the last answer, and never takes for ever over it.

A socket that is closed while its client still sends is reset, and with the reset goes the answer (413, 401, …) that
waits in the client's own buffer. So: no more is written, what still comes is read past, for a bounded amount and time
(RFC 9112, 9.6). And a socket whose client takes nothing is never flushed: it is given up.

Before that, it sends the head of an answer together with what follows.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from image_service.edge.limits import LINGER_BYTES, LINGER_SECONDS, ConnectionLimits

HEAD = b"HTTP/"  # how an answer begins
RESET = struct.pack("ii", 1, 0)  # struct linger: on, for no time


class LingeringTransport(asyncio.Transport):
    """Stands before the real `transport` of a connection; holds an answer's head for as long as `write` says."""

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
        self._head: bytes | bytearray | memoryview = b""  # of an answer, to be sent with its body

    def close(self) -> None:
        """Write no more. Once the client is done, or has had enough time, the connection ends."""
        if self._is_closing:
            return
        self._is_closing = True
        if self._transport.is_closing():
            return
        self._flush()
        if self._is_sending() and self._transport.can_write_eof():
            self._transport.write_eof()  # behind all that has been written
            self._transport.resume_reading()
            self._timer = self._loop.call_later(LINGER_SECONDS, self.end)
        else:
            self.end()

    def end(self) -> None:
        """Linger no longer; what has been written may still be taken, at the least rate that is borne."""
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
        """So many bytes have come after the end."""
        self._room -= count
        if self._room < 0:
            self.abort()

    def lost(self) -> None:
        """The connection has gone."""
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
        """The head of an answer waits for what comes next in this turn of the loop, to be sent with it: one call of the
        system and one packet where there were two.
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
        """Reset: the system, too, forgets what the client has not taken, megabytes of it."""
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
