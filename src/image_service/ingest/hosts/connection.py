"""One HTTP/1.1 connection for POST requests to a checked address, with limits on what it receives.

httptools parses the responses: it refuses conflicting lengths, bare line feeds, folded fields and control characters.
"""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Self, cast

import httptools

from image_service.ingest.fetch_connect import MAX_HEAD_BYTES, Resolver, check_peer, checked_addresses, no_address
from image_service.ingest.fetch_policy import FetchPolicy

REST_BYTES = 16 * 1024  # of a response's body, read and discarded so that the connection can be reused
REST_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """Where to connect to."""

    host: str
    port: int
    ssl_context: ssl.SSLContext | None  # None: no TLS


@dataclass(frozen=True)
class Head:
    """What is read of a response."""

    status: int  # from 200
    retry_after: str | None


class Broken(ConnectionError):
    """The connection was closed, or what it received was no response to the request."""


class Connection(asyncio.Protocol):
    """One request at a time. Closed by any failure."""

    _transport: asyncio.Transport
    _parser: httptools.HttpResponseParser  # of the latest response
    _head: asyncio.Future[Head]

    def __init__(self) -> None:
        self.has_received = False  # anything since the latest request
        self._is_open = True
        self._is_asked = False  # and the response has not ended
        self._is_last = True
        self._left = 0  # bytes that may still come
        self._retry_after: str | None = None
        self._over = asyncio.Event()  # the response, or the connection

    @classmethod
    async def to(cls, place: Place, policy: FetchPolicy, resolver: Resolver) -> Self:
        """Checks the addresses and connects to the first that can be reached.

        Raises `FetchFailed`, `Busy`, `OSError`; `TimeoutError` if it is too slow.
        """
        loop = asyncio.get_running_loop()
        failure: Exception = no_address(place.host)
        for ip in await checked_addresses(place.host, place.port, policy, resolver):
            try:
                async with asyncio.timeout(policy.connect_seconds):
                    _, connection = await loop.create_connection(cls, str(ip), place.port)
            except OSError as error:  # includes TimeoutError
                failure = error
                continue
            peer = connection._transport.get_extra_info("peername")
            if peer is None or not connection._is_open:
                connection.close()
                failure = Broken("reset at once")
                continue
            try:
                check_peer(peer, ip)
                if place.ssl_context is not None:
                    await connection._start_tls(place.ssl_context, place.host, policy.connect_seconds)
            except BaseException:
                connection.close()
                raise
            return connection
        raise failure

    async def _start_tls(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            secured = await loop.start_tls(self._transport, self, context, server_hostname=host)
        if secured is None:
            raise Broken("closed during the TLS handshake")
        self._transport = secured

    async def ask(self, request: bytes) -> Head:
        """Send a whole request. Returns once the response's head has arrived. Raises `Broken`."""
        self.has_received = False
        if not self._is_open or self._transport.is_closing():
            raise Broken("closed while idle")
        self._parser = httptools.HttpResponseParser(self)
        self._head = asyncio.get_running_loop().create_future()
        self._is_asked, self._is_last = True, True
        self._left, self._retry_after = MAX_HEAD_BYTES, None
        self._over.clear()
        self._transport.write(request)
        try:
            return await self._head
        except BaseException:
            self.close()
            raise

    async def is_free(self) -> bool:
        """Waits a moment for the end of the response. Returns whether another request may follow; if not, closes."""
        try:
            if not self._over.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(REST_SECONDS):
                        await self._over.wait()
            # A response may come before the receiver has read the request.
            is_free = self._is_open and not self._is_last and not self._transport.get_write_buffer_size()
        except BaseException:
            self.close()
            raise
        if not is_free:
            self.close()
        return is_free

    def close(self) -> None:
        """At once; no task is left."""
        self._end("closed")

    def _end(self, reason: str) -> None:
        if self._is_open:
            self._is_open = False
            self._transport.abort()
        if self._is_asked and not self._head.done():
            self._head.set_exception(Broken(reason))
        self._is_asked = False
        self._over.set()

    # asyncio calls these.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.has_received = True
        if not self._is_asked:
            self._end("not asked")
            return
        self._left -= len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._end(str(error.__context__ or error))
            return
        if self._left < 0:
            self._end("the response does not end")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(str(exc or "closed by the receiver"))

    # httptools calls these. It wraps what they raise.

    def on_message_begin(self) -> None:
        if not self._is_asked:
            raise Broken("two responses")

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"retry-after":
            self._retry_after = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 100 or not self._parser.get_http_version().startswith("1."):
            raise Broken("not HTTP/1")
        if status >= 200:  # else an interim response: 101 ends in HttpParserUpgrade
            self._head.set_result(Head(status, self._retry_after))
            self._left = REST_BYTES  # of the following packets

    def on_message_complete(self) -> None:
        if self._head.done():  # else it was an interim response
            self._is_asked, self._is_last = False, not self._parser.should_keep_alive()
            self._over.set()
