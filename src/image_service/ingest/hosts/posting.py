"""Posts to an untrusted URL, with the same checks as a fetch. Reads little more than the response's head.

Requests to one URL share connections within one `Poster.to` block. The connections are closed at its end, so
stores share none.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx

from image_service.ingest.fetch_again import seconds_of
from image_service.ingest.fetch_connect import Resolver, SystemResolver, trust
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_url import DEFAULT_PORTS, judged_url
from image_service.ingest.hosts.connection import Connection, Head, Place
from image_service.ingest.lookups import Lookups
from image_service.ingest.shares import Owner

TOTAL_SECONDS = 15.0  # names, connection and response together; the minimum of Standard Webhooks
DNS_THREADS = 16


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
        self._policy = replace(policy, total_seconds=seconds)
        self._system_resolver = SystemResolver(DNS_THREADS)  # starts no thread before it is used
        self._ssl_context = ssl_context or trust()
        self._ssl_context.set_alpn_protocols(["http/1.1"])
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
            line.close()

    async def aclose(self) -> None:
        self._lookups.close()
        self._system_resolver.close()


class Line:
    """Connections to one URL. Concurrent calls of `post` are allowed; each has its own connection."""

    def __init__(self, url: httpx.URL, policy: FetchPolicy, resolver: Resolver, ssl_context: ssl.SSLContext) -> None:
        port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
        self._place = Place(url.raw_host.decode("ascii"), port, ssl_context if url.scheme == "https" else None)
        self._start = [
            f"POST {url.raw_path.decode('ascii')} HTTP/1.1",
            f"Host: {url.netloc.decode('ascii')}",
            f"User-Agent: {policy.user_agent}",
        ]
        self._policy = policy
        self._resolver = resolver
        self._idle: list[Connection] = []

    async def post(self, body: bytes, headers: Mapping[str, str]) -> Posted:
        """Returns the response. Does not follow redirects. Raises `FetchFailed`, `Busy`."""
        fields = (f"{name}: {value}" for name, value in headers.items())
        request = _head(*self._start, f"Content-Length: {len(body)}", *fields) + body
        try:
            async with asyncio.timeout(self._policy.total_seconds):
                connection, head = await self._ask(request)
        except TimeoutError:
            raise FetchFailed(FetchReason.TOO_SLOW) from None
        except OSError as error:
            raise FetchFailed(FetchReason.UNREACHABLE, f"{type(error).__name__}: {error}") from None
        if await connection.is_free():
            self._idle.append(connection)
        if head.retry_after is None or 200 <= head.status < 300:
            return Posted(head.status, None)
        return Posted(head.status, seconds_of(head.retry_after))

    async def _ask(self, request: bytes) -> tuple[Connection, Head]:
        while self._idle:
            connection = self._idle.pop()
            try:
                return connection, await connection.ask(request)
            except ConnectionError:
                if connection.has_received:
                    raise
                # The receiver has just closed it, which it may at any time.
        connection = await Connection.to(self._place, self._policy, self._resolver)
        return connection, await connection.ask(request)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _head(*lines: str) -> bytes:
    """Refuses line breaks: they would start another field, or another request. Raises `FetchFailed`."""
    for line in lines:
        if not (line.isascii() and line.isprintable()):
            raise FetchFailed(FetchReason.BAD_URL, "a header has a character that is not allowed")
    return "\r\n".join((*lines, "\r\n")).encode()
