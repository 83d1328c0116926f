"""Fetches a picture from an untrusted URL.

Each layer has a check: `fetch_url` checks the URL, `fetch_connect` the address, and this module the response. This
module follows redirects itself, so that each hop is checked again and starts without cookies, credentials or
an open connection.
"""

import ssl
import time
from dataclasses import dataclass

import anyio
import httpcore
import httpx

from image_service.ingest.fetch_again import seconds_to_wait
from image_service.ingest.fetch_body import Write, receive, require_picture
from image_service.ingest.fetch_connect import Resolver, SystemResolver, trust
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_transport import PinnedTransport
from image_service.ingest.fetch_url import judged_url
from image_service.ingest.filenames import filename_of, parameters
from image_service.ingest.hosts.validators import Validators, conditions, validators_of
from image_service.ingest.lookups import Lookups
from image_service.ingest.shares import NOBODY, Owner, Shares
from image_service.telemetry import metrics

__all__ = ["FetchFailed", "FetchPolicy", "FetchReason", "Fetched", "Fetcher", "Resolver", "Write"]

# Not `image/*`: a CDN that negotiates would send WebP or AVIF. The service may not accept these, and prefers the
# original if it does.
ACCEPT = "image/jpeg, image/png, image/gif, */*;q=0.1"

_DISPOSITION = b"content-disposition"

REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED_STATUS = 304

FETCHED = "fetched"
NOT_MODIFIED = "not_modified"
ABORTED = "aborted"  # too many at once, disk full, or the client disconnected
for _outcome in (FETCHED, NOT_MODIFIED, ABORTED, *FetchReason):
    metrics.FETCHES.labels(_outcome)

BROTLI_AT_ONCE = 4  # each may hold 16 MB; few hosts send it unasked


@dataclass(frozen=True)
class Fetched:
    final_url: str  # after redirects, without fragment
    content_type: str  # as claimed, lower case, without parameters, may be empty: unreliable
    filename: str  # as claimed in `Content-Disposition`, may be empty
    size: int  # bytes passed to `write`
    validators: Validators
    is_unchanged: bool = False  # the host says that `known` is current: `write` got nothing


class Fetcher:
    """One per process. Concurrent calls of `fetch` are allowed."""

    def __init__(
        self,
        policy: FetchPolicy,
        resolver: Resolver | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._system_resolver = SystemResolver(policy.dns_threads)  # starts no thread before it is used
        self._ssl_context = ssl_context or trust()
        self._slots = Shares(policy.concurrency)
        # Waits for a place at most half of `dns_seconds`, so that time is left for the look-up.
        self._lookups = Lookups(resolver or self._system_resolver, policy.dns_threads, policy.dns_seconds / 2)
        self._brotli = anyio.Semaphore(BROTLI_AT_ONCE)

    async def fetch(
        self, url: str, write: Write | None, owner: Owner = NOBODY, known: Validators | None = None
    ) -> Fetched:
        """Passes the picture to `write` in pieces, and inflates a compressed body. Owners share the concurrent fetches.
        With `known` the request is conditional. Without `write` only the response's head is read.

        This does not check whether it is a picture, and ignores the claimed type: the bytes decide later.
        Raises `FetchFailed`, `Busy` if too many fetches are running, and the exceptions of `write`.
        """
        since, outcome = time.perf_counter(), ABORTED
        try:
            judged = judged_url(url, self._policy)
            async with self._slots.place(owner, self._policy.slot_seconds, "fetches"):
                transport = PinnedTransport(self._policy, self._lookups.of(owner), self._ssl_context)
                fetched = await _Fetch(self._policy, transport, self._brotli, write, known).run(judged)
            outcome = NOT_MODIFIED if fetched.is_unchanged else FETCHED
        except FetchFailed as failed:
            outcome = failed.reason
            raise
        finally:
            metrics.FETCHES.labels(outcome).inc()
            metrics.FETCH_SECONDS.observe(time.perf_counter() - since)
        return fetched

    def judged(self, url: str) -> httpx.URL:
        """The URL as it is requested. Raises `FetchFailed` if not allowed."""
        return judged_url(url, self._policy)

    async def aclose(self) -> None:
        self._lookups.close()
        self._system_resolver.close()


class _Fetch:
    """One call of `Fetcher.fetch`."""

    def __init__(
        self,
        policy: FetchPolicy,
        transport: httpx.AsyncBaseTransport,
        brotli: anyio.Semaphore,
        write: Write | None,
        known: Validators | None,
    ) -> None:
        self._policy = policy
        self._transport = transport
        self._brotli = brotli
        self._write = write
        self._known = known
        self._may_repeat = policy.asks_again  # ask once more if the host sends `Retry-After`
        self._answered = False  # whether the current hop's checked host has sent a whole head

    async def run(self, url: httpx.URL) -> Fetched:
        # The only guard against slow heads and bodies: httpcore's timeouts restart with each byte.
        with anyio.move_on_after(self._policy.total_seconds):
            return await self._follow(url)
        raise self._too_slow("in all")

    async def _follow(self, url: httpx.URL) -> Fetched:
        for _ in range(self._policy.max_redirects + 1):
            response = await self._answer(url)
            try:
                if response.status_code not in REDIRECTS:
                    return await self._receive(url, response)
            finally:
                await response.aclose()
            url = self._next(url, response)
        raise FetchFailed(FetchReason.TOO_MANY_REDIRECTS, url.host, "redirects too often")

    async def _answer(self, url: httpx.URL) -> httpx.Response:
        """The response of one hop. Retries once per fetch if the host sends `Retry-After`."""
        response = await self._ask(url)
        left = anyio.current_effective_deadline() - anyio.current_time()
        wait = seconds_to_wait(response, left) if self._may_repeat else None
        if wait is None:
            return response
        await response.aclose()
        self._may_repeat = False
        await anyio.sleep(wait)
        return await self._ask(url)

    async def _ask(self, url: httpx.URL) -> httpx.Response:
        self._answered = False
        request = httpx.Request(
            "GET",
            url,
            headers={
                "User-Agent": self._policy.user_agent,
                "Accept": ACCEPT,
                "Accept-Encoding": "identity",
                "Connection": "close",
                **conditions(url, self._known),
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
            response = await self._transport.handle_async_request(request)
        except httpcore.TimeoutException as error:
            raise self._too_slow(type(error).__name__) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise FetchFailed(FetchReason.UNREACHABLE, f"{type(error).__name__}: {error}") from None
        self._answered = True
        return response

    def _next(self, url: httpx.URL, response: httpx.Response) -> httpx.URL:
        """The redirect's target. Hides why it is refused: the reason could reveal a private host."""
        try:
            target = str(url.join(response.headers["Location"]))
        except (KeyError, httpx.InvalidURL, ValueError) as error:
            raise FetchFailed(FetchReason.BAD_REDIRECT, repr(error)) from None
        try:
            following = judged_url(target, self._policy)
        except FetchFailed as failed:
            raise FetchFailed(failed.reason, failed.detail) from None
        if url.scheme == "https" and following.scheme == "http":
            raise FetchFailed(FetchReason.BAD_REDIRECT, "https to http")
        return following

    async def _receive(self, url: httpx.URL, response: httpx.Response) -> Fetched:
        if response.status_code == NOT_MODIFIED_STATUS and self._known is not None and conditions(url, self._known):
            return Fetched(str(url), "", "", 0, self._known, is_unchanged=True)
        if self._write is None:
            require_picture(response)
            size = 0
        else:
            size = await receive(response, self._write, self._policy.max_bytes, self._brotli)
        content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        disposition = next((value for name, value in response.headers.raw if name.lower() == _DISPOSITION), b"")
        filename = filename_of(parameters(disposition))
        return Fetched(str(url), content_type, filename, size, validators_of(url, response))

    def _too_slow(self, what: str) -> FetchFailed:
        if self._answered:
            return FetchFailed(FetchReason.TOO_SLOW, what, "was sent too slowly")
        return FetchFailed(FetchReason.TOO_SLOW, what)
