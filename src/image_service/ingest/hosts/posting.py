"""Posts to an untrusted URL, with the same checks as a fetch. Reads little more than the response's head.

Requests to one URL share connections within one `Poster.to` block. The connections are closed at its end, so
stores share none.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

import anyio
import httpcore
import httpx

from image_service.ingest.fetch_again import retry_after
from image_service.ingest.fetch_connect import PinningBackend, Resolver, SystemResolver
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_url import judged_url
from image_service.ingest.lookups import Lookups
from image_service.ingest.shares import Owner

TOTAL_SECONDS = 15.0  # names, connection and response together; the minimum of Standard Webhooks
DNS_THREADS = 16
REST_BYTES = 16 * 1024  # of a response's body, read and discarded so that the connection can be reused
REST_SECONDS = 0.5
_BROKEN = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException)


@dataclass(frozen=True)
class Posted:
    status: int
    retry_after: float | None  # seconds, if the host sends it


class Poster:
    """One per process. Concurrent calls of `to` are allowed."""

    def __init__(
        self,
        policy: FetchPolicy,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
        seconds: float = TOTAL_SECONDS,
    ) -> None:
        self._policy = replace(policy, total_seconds=seconds, read_seconds=seconds, dns_threads=DNS_THREADS)
        self._system_resolver = SystemResolver(DNS_THREADS)  # starts no thread before it is used
        self._ssl_context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._lookups = Lookups(resolver or self._system_resolver, DNS_THREADS, policy.dns_seconds / 2)

    def judged(self, url: str) -> httpx.URL:
        """The URL as it is requested. Raises `FetchFailed`, whose `public` says what is wrong with it."""
        judged = judged_url(url, self._policy)
        if judged.scheme != "https" and not self._policy.allow_private:
            raise FetchFailed(FetchReason.BAD_SCHEME, judged.scheme, "must be an https:// URL")
        return judged

    @asynccontextmanager
    async def to(self, url: str, owner: Owner) -> AsyncIterator["Line"]:
        """Raises `FetchFailed` if the URL is not allowed."""
        line = Line(self.judged(url), self._policy, self._lookups.of(owner), self._ssl_context)
        try:
            yield line
        finally:
            await line.aclose()

    async def aclose(self) -> None:
        self._lookups.close()
        self._system_resolver.close()


class Line:
    """Connections to one URL. Concurrent calls of `post` are allowed; each has its own connection."""

    def __init__(self, url: httpx.URL, policy: FetchPolicy, resolver: Resolver, ssl_context: ssl.SSLContext) -> None:
        self._url = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        self._headers = [(b"Host", url.netloc), (b"User-Agent", policy.user_agent.encode())]
        self._policy = policy
        self._resolver = resolver
        self._ssl_context = ssl_context
        self._idle: list[_Connection] = []
        silence = policy.read_seconds
        self._timeouts = {"timeout": {"connect": policy.connect_seconds, "read": silence, "write": silence}}

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Returns the response. Does not follow redirects. Raises `FetchFailed`, `Busy`."""
        told = [(name.encode(), value.encode()) for name, value in headers.items()]
        length = (b"Content-Length", str(len(body)).encode())
        request = httpcore.Request(
            "POST", self._url, headers=[*self._headers, length, *told], content=body, extensions=self._timeouts
        )
        # A slow head needs this: httpcore's timeouts restart with each byte.
        with anyio.move_on_after(self._policy.total_seconds):
            try:
                connection, response = await self._ask(request)
            except httpcore.TimeoutException as error:
                raise FetchFailed(FetchReason.TOO_SLOW, type(error).__name__) from None
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise FetchFailed(FetchReason.UNREACHABLE, f"{type(error).__name__}: {error}") from None
            return await self._posted(connection, response)
        raise FetchFailed(FetchReason.TOO_SLOW, "in all")

    async def _ask(self, request: httpcore.Request) -> tuple["_Connection", httpcore.Response]:
        while self._idle:
            connection = self._idle.pop()
            if connection.has_ended():
                await connection.aclose()
                continue
            try:
                return connection, await connection.ask(request)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                continue  # the receiver has just closed it, which it may at any time
        connection = _Connection(self._url, self._policy, self._resolver, self._ssl_context)
        return connection, await connection.ask(request)

    async def _posted(self, connection: "_Connection", response: httpcore.Response) -> Posted:
        with anyio.CancelScope(shield=True):  # the head is enough; this takes at most REST_SECONDS
            if await connection.is_free_after(response):
                self._idle.append(connection)
        if 200 <= response.status < 300:
            return Posted(response.status, None)
        return Posted(response.status, retry_after(httpx.Response(response.status, headers=response.headers)))

    async def aclose(self) -> None:
        for connection in self._idle:
            await connection.aclose()


class _Connection:
    """Checks the address where it connects the socket."""

    def __init__(self, url: httpcore.URL, policy: FetchPolicy, resolver: Resolver, ssl_context: ssl.SSLContext) -> None:
        self._backend = PinningBackend(policy, resolver)
        self._http = httpcore.AsyncHTTPConnection(url.origin, ssl_context=ssl_context, network_backend=self._backend)

    def has_ended(self) -> bool:
        return self._http.has_expired()

    async def ask(self, request: httpcore.Request) -> httpcore.Response:
        """Returns the response once its head has arrived. Closes the connection on failure."""
        if self._backend.opened is not None:
            self._backend.opened.begin_head()
        try:
            return await self._http.handle_async_request(request)
        except BaseException:
            await self.aclose()
            raise

    async def is_free_after(self, response: httpcore.Response) -> bool:
        """Reads a short body. Returns whether the connection can be reused; if not, closes it."""
        read = 0
        with anyio.move_on_after(REST_SECONDS), suppress(*_BROKEN):
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > REST_BYTES:
                    break
            else:
                await response.aclose()
        if self._http.is_idle():
            return True
        await self.aclose()
        return False

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):  # closing must not be cancelled
            await self._http.aclose()
            # httpcore leaves the socket open when it is cancelled in the middle of a TLS handshake.
            if self._backend.opened is not None:
                await self._backend.opened.aclose()
