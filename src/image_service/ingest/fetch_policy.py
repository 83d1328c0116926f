"""What a fetch may do, and the names of what can go wrong with one."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from ipaddress import IPv6Address

from image_service.ingest.addresses import IPAddress, IPNetwork, is_public

# The one answer to everything between a URL that can be read and the answer of a checked host: anything that told
# "closed port" from "no such name" from "not allowed" would turn the service into a scanner of its own network.
COULD_NOT_BE_FETCHED = "could not be fetched"


MAX_URL = 4096  # characters; a signed URL of S3 with a session's token has 1,800 and more
USER_AGENT = f"image-service/{version('image-service')}"


class FetchReason(StrEnum):
    """Why nothing was fetched; the value is the label in logs and metrics, not for the client."""

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
    """Nothing was fetched; what `write` was given so far is worthless.

    `public` is all that the client may be told; for TOO_HEAVY the caller knows better words.
    `detail` is the true reason, for the log alone: it may hold what a stranger wrote. `status` is the host's,
    and `retry_after` the seconds that it asks for.
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
    total_seconds: float = 20.0  # names, connections, redirects and body together
    connect_seconds: float = 3.0  # for one address; again for TLS
    read_seconds: float = 5.0  # of silence
    dns_seconds: float = 3.0
    slot_seconds: float = 5.0  # waiting to begin; not part of total_seconds
    concurrency: int = 32  # fetches at once in a process
    dns_threads: int = 64  # a lookup cannot be stopped: one given up keeps its thread for some 10 s more
    ports: frozenset[int] = frozenset({80, 443})
    allow_private: bool = False  # any address, any port, and names of one label such as "localhost"
    allow_networks: tuple[IPNetwork, ...] = ()  # taken although not public: a merchant's own CDN inside
    user_agent: str = USER_AGENT
    asks_again: bool = True  # once in a fetch, where a host wants to be asked later; a job has tries of its own

    def allows(self, ip: IPAddress) -> bool:
        if isinstance(ip, IPv6Address) and ip.scope_id is not None:  # names an interface of this machine
            return False
        return self.allow_private or is_public(ip) or any(ip in network for network in self.allow_networks)
