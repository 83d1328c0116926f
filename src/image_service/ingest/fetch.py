"""Fetches a picture from a URL that a stranger typed.

Guarded at each layer: `fetch_url` judges the URL, `fetch_connect` the address that is connected to, this
module what is answered. Redirects are followed by hand, so that each hop is judged anew and starts from
nothing: no cookies, no credentials, no open connection.
"""

import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import anyio.lowlevel
import httpcore
import httpx

from image_service.errors import Busy
from image_service.ingest.fetch_connect import Resolver, SystemResolver
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_transport import PinnedTransport
from image_service.ingest.fetch_url import judged_url
from image_service.telemetry import metrics

__all__ = ["FetchFailed", "FetchPolicy", "FetchReason", "Fetched", "Fetcher", "Resolver", "Write"]

Write = Callable[[bytes], Awaitable[None]]

WRITE_BYTES = 256 * 1024  # given to `write` at a time; a write is likely a hop to a thread

# Of chunked bodies: 10 MB in chunks of 160 bytes. A chunk costs some 10 us of the event loop, however
# small it is, so that a body in single bytes would be a cheap way to keep the whole service busy.
MAX_PARTS = 65_536
PARTS_AT_A_TIME = 64  # parsed out of one network read before others get their turn

# Not `image/*`: a CDN that negotiates would send WebP or AVIF, which may not be taken, and of which even a service
# that takes them would rather have the original.
ACCEPT = "image/jpeg, image/png, image/gif, */*;q=0.1"

REDIRECTS = (301, 302, 303, 307, 308)

FETCHED = "fetched"
ABORTED = "aborted"  # too many at once, no room for the bytes, or the client has gone
for _outcome in (FETCHED, ABORTED, *FetchReason):
    metrics.FETCHES.labels(_outcome)


@dataclass(frozen=True)
class Fetched:
    final_url: str  # after redirects; no fragment
    content_type: str  # as claimed, lower case, no parameters, perhaps empty: not to be relied on
    size: int  # bytes, as many as `write` was given


class Fetcher:
    """One for a process; `fetch` may be called any number of times at once."""

    def __init__(
        self,
        policy: FetchPolicy,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._system_resolver = SystemResolver(policy.dns_threads)  # starts no thread before it is used
        self._transport = PinnedTransport(
            policy,
            resolver or self._system_resolver,
            ssl_context or httpx.create_ssl_context(trust_env=False),
        )
        self._slots = anyio.Semaphore(policy.concurrency)

    async def fetch(self, url: str, write: Write) -> Fetched:
        """Hands the body to `write`, piece by piece, exactly as it was sent (nothing is decompressed).

        Whether it is a picture is not asked here, and the claimed type is not looked at: the bytes decide.
        Raises `FetchFailed`, and `Busy` if too many are under way; what `write` raises passes through.
        """
        since, outcome = time.perf_counter(), ABORTED
        try:
            judged = judged_url(url, self._policy)
            async with self._slot():
                fetched = await _Fetch(self._policy, self._transport, write).run(judged)
            outcome = FETCHED
        except FetchFailed as failed:
            outcome = failed.reason
            raise
        finally:
            metrics.FETCHES.labels(outcome).inc()
            metrics.FETCH_SECONDS.observe(time.perf_counter() - since)
        return fetched

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        with anyio.move_on_after(self._policy.slot_seconds) as waiting:
            await self._slots.acquire()
        if waiting.cancelled_caught:
            raise Busy("too many fetches at once")
        try:
            yield
        finally:
            self._slots.release()

    async def aclose(self) -> None:
        self._system_resolver.close()


class _Fetch:
    """One call of `Fetcher.fetch`."""

    def __init__(self, policy: FetchPolicy, transport: httpx.AsyncBaseTransport, write: Write) -> None:
        self._policy = policy
        self._transport = transport
        self._write = write
        self._answered = False  # whether the host of the present hop, a checked one, has sent a whole head

    async def run(self, url: httpx.URL) -> Fetched:
        # The one guard against heads and bodies that drip: httpcore's time-outs begin anew with each byte.
        with anyio.move_on_after(self._policy.total_seconds):
            return await self._follow(url)
        raise self._too_slow("in all")

    async def _follow(self, url: httpx.URL) -> Fetched:
        for _ in range(self._policy.max_redirects + 1):
            self._answered = False
            response = await self._ask(url)
            self._answered = True
            try:
                if response.status_code not in REDIRECTS:
                    return await self._receive(url, response)
            finally:
                await response.aclose()
            url = self._next(url, response)
        raise FetchFailed(FetchReason.TOO_MANY_REDIRECTS, url.host, "redirects too often")

    async def _ask(self, url: httpx.URL) -> httpx.Response:
        request = httpx.Request(
            "GET",
            url,
            headers={
                "User-Agent": self._policy.user_agent,
                "Accept": ACCEPT,
                "Accept-Encoding": "identity",
                "Connection": "close",
            },
            extensions={
                "timeout": {
                    "connect": self._policy.connect_seconds,
                    "read": self._policy.read_seconds,
                    "write": self._policy.read_seconds,
                }
            },
        )
        try:
            return await self._transport.handle_async_request(request)
        except httpcore.TimeoutException as error:
            raise self._too_slow(type(error).__name__) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed(FetchReason.UNREACHABLE, f"{type(error).__name__}: {error}") from None

    def _next(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """Where a redirect leads. Why it may not is not told: that could be about a private host."""
        try:
            target = str(url.join(response.headers["Location"]))
        except (KeyError, httpx.InvalidURL, ValueError) as error:
            raise FetchFailed(FetchReason.BAD_REDIRECT, repr(error)) from None
        following = judged_url(target, self._policy)
        if url.scheme == "https" and following.scheme == "http":
            raise FetchFailed(FetchReason.BAD_REDIRECT, "https to http")
        return following

    async def _receive(self, url: httpx.URL, response: httpx.Response) -> Fetched:
        if response.status_code != 200:
            status = str(response.status_code)
            raise FetchFailed(FetchReason.BAD_STATUS, status, f"answered {status}")
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise FetchFailed(FetchReason.ENCODED_BODY, encoding, "answered with a compressed body")
        if int(response.headers.get("Content-Length", 0)) > self._policy.max_bytes:  # digits: h11 saw to it
            raise self._too_heavy()
        size = 0
        waiting = bytearray()
        async for part in self._parts(response):
            size += len(part)
            if size > self._policy.max_bytes:
                raise self._too_heavy()
            waiting += part
            if len(waiting) >= WRITE_BYTES:
                await self._write(bytes(waiting))
                waiting.clear()
        if size == 0:
            raise FetchFailed(FetchReason.EMPTY, public="answered with nothing")
        if waiting:
            await self._write(bytes(waiting))
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return Fetched(str(url), content_type, size)

    async def _parts(self, response: httpx.Response) -> AsyncIterator[bytes]:
        """The raw body; only the network's errors are translated here, not those of `write`."""
        count = 0
        try:
            async for part in response.aiter_raw():
                yield part
                count += 1
                if count > MAX_PARTS:
                    raise FetchFailed(FetchReason.FRAGMENTED, public="was sent in too small pieces")
                if count % PARTS_AT_A_TIME == 0:
                    await anyio.lowlevel.checkpoint()
        except httpcore.TimeoutException as error:
            raise self._too_slow(type(error).__name__) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed(FetchReason.CUT_OFF, repr(error), "broke off before its end") from None

    def _too_slow(self, what: str) -> FetchFailed:
        if self._answered:
            return FetchFailed(FetchReason.TOO_SLOW, what, "was sent too slowly")
        return FetchFailed(FetchReason.TOO_SLOW, what)

    def _too_heavy(self) -> FetchFailed:
        return FetchFailed(FetchReason.TOO_HEAVY, f"over {self._policy.max_bytes} bytes", "is too large")
