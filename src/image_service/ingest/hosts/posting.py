"""Posts to a URL that a stranger typed: guarded as a fetch is, and of the answer only the head is read."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace

import anyio
import httpcore
import httpx

from image_service.ingest.fetch_again import retry_after
from image_service.ingest.fetch_connect import Resolver, SystemResolver
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason
from image_service.ingest.fetch_transport import PinnedTransport
from image_service.ingest.fetch_url import judged_url
from image_service.ingest.lookups import Lookups
from image_service.ingest.shares import Owner

TOTAL_SECONDS = 15.0  # names, connection and answer together; what Standard Webhooks has as the least
DNS_THREADS = 16


@dataclass(frozen=True)
class Posted:
    status: int
    retry_after: float | None  # seconds, where the host asks for them


class Poster:
    """One for a process; `post` may be called any number of times at once."""

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

    def judged(self, url: str) -> str:
        """The URL as it will be asked for. Raises `FetchFailed`, whose `public` says what is wrong with it."""
        judged = judged_url(url, self._policy)
        if judged.scheme != "https" and not self._policy.allow_private:
            raise FetchFailed(FetchReason.BAD_SCHEME, judged.scheme, "must be an https:// URL")
        return str(judged)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], owner: Owner) -> Posted:
        """What was answered; redirects are not followed. Raises `FetchFailed`, `Busy`."""
        judged = httpx.URL(self.judged(url))
        transport = PinnedTransport(self._policy, self._lookups.of(owner), self._ssl_context)
        request = httpx.Request(
            "POST",
            judged,
            content=body,
            headers={"User-Agent": self._policy.user_agent, "Connection": "close", **headers},
            extensions={
                "timeout": {
                    "connect": self._policy.connect_seconds,
                    "read": self._policy.read_seconds,
                    "write": self._policy.read_seconds,
                }
            },
        )
        # httpcore's time-outs begin anew with each byte: a head may drip.
        with anyio.move_on_after(self._policy.total_seconds):
            try:
                response = await transport.handle_async_request(request)
            except httpcore.TimeoutException as error:
                raise FetchFailed(FetchReason.TOO_SLOW, type(error).__name__) from None
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise FetchFailed(FetchReason.UNREACHABLE, f"{type(error).__name__}: {error}") from None
            await response.aclose()
            return Posted(response.status_code, retry_after(response))
        raise FetchFailed(FetchReason.TOO_SLOW, "in all")

    async def aclose(self) -> None:
        self._lookups.close()
        self._system_resolver.close()
