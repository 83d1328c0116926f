"""The limits of a fetch, and the reasons for its failure."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from ipaddress import IPv6Address

from image_service.ingest.addresses import IPAddress, IPNetwork, is_public

# The only error text for a valid URL until a checked host has responded. A text that distinguished "closed port",
# "no such name" and "not allowed" would make the service a scanner of its own network.
COULD_NOT_BE_FETCHED = "could not be fetched"


MAX_URL = 4096  # characters; a signed S3 URL with a session token has 1,800 or more
USER_AGENT = f"image-service/{version('image-service')}"


class FetchReason(StrEnum):
    """Why the fetch failed. The value is a label in logs and metrics, not for the client."""

    BAD_URL = "bad_url"
    BAD_SCHEME = "bad_scheme"
    CREDENTIALS = "credentials"
    BAD_PORT = "bad_port"
    BAD_HOST = "bad_host"
    BLOCKED_ADDRESS = "blocked_address"
    DNS = "dns"
    DNS_TIMEOUT = "dns_timeout"
    UNREACHABLE = "unreachable"  # refused, reset, no TLS, wrong certificate, not HTTP
    TOO_SLOW = "too_slow"
    BAD_REDIRECT = "bad_redirect"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    BAD_STATUS = "bad_status"
    ENCODED_BODY = "encoded_body"  # compressed, and damaged
    TOO_HEAVY = "too_heavy"
    FRAGMENTED = "fragmented"
    CUT_OFF = "cut_off"
    EMPTY = "empty"


class FetchFailed(Exception):
    """The fetch failed. Discard what `write` got so far.

    `public` is the only text for the client; for TOO_HEAVY the caller has a better one.
    `detail` is the real reason, only for the log: it may contain untrusted text. `status` is the host's response
    status, `retry_after` its `Retry-After` in seconds.
    """

    def __init__(
        self,
        reason: FetchReason,
        detail: str = "",
        public: str = COULD_NOT_BE_FETCHED,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.retry_after = retry_after
        self.reason = reason
        self.detail = detail[:200]
        self.public = public


@dataclass(frozen=True)
class FetchPolicy:
    max_bytes: int = 10 * 1024 * 1024 - 1  # of the body: "less than 10MB"
    max_url: int = MAX_URL
    max_redirects: int = 10  # short link, http to https, www, CDN; browsers follow 20
    total_seconds: float = 20.0  # total: names, connections, redirects and body
    connect_seconds: float = 3.0  # for one address; again for TLS
    read_seconds: float = 5.0  # of silence
    dns_seconds: float = 3.0
    slot_seconds: float = 5.0  # waiting to begin; not part of total_seconds
    concurrency: int = 32  # fetches at once in a process
    dns_threads: int = 64  # a lookup cannot be cancelled: an abandoned one keeps its thread for some 10 s more
    ports: frozenset[int] = frozenset({80, 443})
    allow_private: bool = False  # any address, any port, and names of one label such as "localhost"
    allow_networks: tuple[IPNetwork, ...] = ()  # allowed although private: a merchant's internal CDN
    user_agent: str = USER_AGENT
    asks_again: bool = True  # retry once per fetch if the host sends `Retry-After`; jobs have their own retries

    def allows(self, ip: IPAddress) -> bool:
        if isinstance(ip, IPv6Address) and ip.scope_id is not None:  # names an interface of this machine
            return False
        return self.allow_private or is_public(ip) or any(ip in network for network in self.allow_networks)
