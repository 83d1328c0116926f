"""Fetches a picture from a URL that a stranger typed.

Guarded at each layer: `fetch_url` judges the URL, `fetch_connect` the address that is connected to, this
module what is answered. Redirects are followed by hand, so that each hop is judged anew and starts from
nothing: no cookies, no credentials, no open connection.
"""

import ssl
import time
from dataclasses import dataclass

import anyio
import httpcore
import httpx

from image_service.ingest.fetch_again import seconds_to_wait
from image_service.ingest.fetch_body import Write, receive, require_picture
from image_service.ingest.fetch_connect import Resolver, SystemResolver
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_transport import PinnedTransport
from image_service.ingest.fetch_url import judged_url
from image_service.ingest.filenames import filename_of, parameters
from image_service.ingest.hosts.validators import Validators, conditions, validators_of
from image_service.ingest.lookups import Lookups
from image_service.ingest.shares import NOBODY, Owner, Shares
from image_service.telemetry import metrics

__all__ = ["FetchFailed", "FetchPolicy", "FetchReason", "Fetched", "Fetcher", "Resolver", "Write"]

# Not `image/*`: a CDN that negotiates would send WebP or AVIF, which may not be taken, and of which even a service
# that takes them would rather have the original.
ACCEPT = "image/jpeg, image/png, image/gif, */*;q=0.1"

_DISPOSITION = b"content-disposition"

REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED_STATUS = 304

FETCHED = "fetched"
NOT_MODIFIED = "not_modified"
ABORTED = "aborted"  # too many at once, no room for the bytes, or the client has gone
for _outcome in (FETCHED, NOT_MODIFIED, ABORTED, *FetchReason):
    metrics.FETCHES.labels(_outcome)

BROTLI_AT_ONCE = 4  # each may hold 16 MB; few hosts send it to one who asks for none


@dataclass(frozen=True)
class Fetched:
    final_url: str  # after redirects; no fragment
    content_type: str  # as claimed, lower case, no parameters, perhaps empty: not to be relied on
    filename: str  # as claimed in `Content-Disposition`, perhaps empty
    size: int  # bytes, as many as `write` was given
    validators: Validators
    is_unchanged: bool = False  # the host says that it is what `known` names: nothing was given to `write`


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
        self._ssl_context = ssl_context or httpx.create_ssl_context(trust_env=False)
        self._slots = Shares(policy.concurrency)
        # So that a place is waited for no longer than an answer may take, and then some of that is left.
        self._lookups = Lookups(resolver or self._system_resolver, policy.dns_threads, policy.dns_seconds / 2)
        self._brotli = anyio.Semaphore(BROTLI_AT_ONCE)

    async def fetch(
        self, url: str, write: Write | None, owner: Owner = NOBODY, known: Validators | None = None
    ) -> Fetched:
        """Hands the picture to `write`, piece by piece; a body that came compressed is inflated. Owners share what may
        be under way at once. A host is asked for what is not `known` only. Without `write` its answer's head is read,
        and no more.

        Whether it is a picture is not asked here, and the claimed type is not looked at: the bytes decide.
        Raises `FetchFailed`, and `Busy` if too many are under way; what `write` raises passes through.
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
        """As it will be asked. Raises `FetchFailed` where it cannot be."""
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
        self._may_repeat = policy.asks_again  # ask once more where a host wants to be asked later
        self._answered = False  # whether the host of the present hop, a checked one, has sent a whole head

    async def run(self, url: httpx.URL) -> Fetched:
        # The one guard against heads and bodies that drip: httpcore's time-outs begin anew with each byte.
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
        """Of one hop; asked once more, in the whole fetch, where the host wants to be asked later."""
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
        """Where a redirect leads. Why it may not is not told: that could be about a private host."""
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
