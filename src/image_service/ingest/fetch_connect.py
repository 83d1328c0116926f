"""Connections to checked addresses only.

The check happens where the socket is opened, so the checked address is the one connected to: a second
lookup cannot return another address. The URL is not rewritten: `Host`, the TLS server name and the certificate
check still use the host's name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from ipaddress import ip_address
from itertools import chain, zip_longest
from typing import Any

import anyio
import httpcore
import httpx

from image_service.ingest.addresses import IPAddress
from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason

# (host, port) -> addresses as text. Raises `OSError` or `UnicodeError` if there are none.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 4  # tried per name: two of each family

# h11 limits one head (100 KB), but not the number of "102 Processing" heads before the final one. Thousands
# of them keep the event loop busy.
MAX_HEAD_BYTES = 128 * 1024


@cache
def trust() -> ssl.SSLContext:
    """In the public authorities. One for all: their certificates take 14 ms to read."""
    return httpx.create_ssl_context(trust_env=False)


class SystemResolver:
    """The system's lookup, in its own threads: slow lookups must not block other work."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="fetch-dns")

    async def __call__(self, host: str, port: int) -> list[str]:
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class BoundedStream(httpcore.AsyncNetworkStream):
    """A connection with a read limit while `in_head` is set."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self.begin_head()

    def begin_head(self) -> None:
        """Expect the next response's head."""
        self._received = 0
        self.in_head = True

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> bytes:
        if self.in_head and self._received > MAX_HEAD_BYTES:
            raise httpcore.RemoteProtocolError("the head does not end")
        data = await self._stream.read(max_bytes, timeout)
        self._received += len(data)
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> None:
        await self._stream.write(buffer, timeout)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        self._stream = await self._stream.start_tls(ssl_context, server_hostname, timeout)
        return self

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        """Also None if the connection was reset at once: anyio then raises `AttributeError`."""
        try:
            return self._stream.get_extra_info(info)
        except AttributeError:
            return None


class PinningBackend(httpcore.AsyncNetworkBackend):
    """Resolves, checks and connects, for one request.

    Raises `FetchFailed` and httpcore's errors.
    """

    def __init__(self, policy: FetchPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._sockets = httpcore.AnyIOBackend()
        self.opened: BoundedStream | None = None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception = no_address(host)
        for ip in await checked_addresses(host, port, self._policy, self._resolver):
            try:
                stream = await self._sockets.connect_tcp(str(ip), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            opened = BoundedStream(stream)
            peer = opened.get_extra_info("server_addr")
            if peer is None:
                await opened.aclose()
                failure = httpcore.ConnectError("reset at once")
                continue
            try:
                check_peer(peer, ip)
            except FetchFailed:
                await opened.aclose()
                raise
            self.opened = opened
            return opened
        raise failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise FetchFailed(FetchReason.BLOCKED_ADDRESS, "unix socket")

    async def sleep(self, seconds: float) -> None:
        await self._sockets.sleep(seconds)


async def checked_addresses(host: str, port: int, policy: FetchPolicy, resolver: Resolver) -> list[IPAddress]:
    """The addresses to try, in order; all are allowed. Raises `FetchFailed`, `Busy`."""
    addresses = await _addresses(host, port, policy, resolver)
    for ip in addresses:  # one private address refuses the name: no honest host has both kinds
        if not policy.allows(ip):
            raise FetchFailed(FetchReason.BLOCKED_ADDRESS, f"{host} is {ip}")
    return _families_in_turn(addresses)[:MAX_ADDRESSES]


def check_peer(peer: Sequence[Any], ip: IPAddress) -> None:
    """Raises `FetchFailed` if a socket is not connected to `ip`: impossible, unless a check is bypassed."""
    if ip_address(peer[0]) != ip:
        raise FetchFailed(FetchReason.BLOCKED_ADDRESS, f"connected to {peer[0]}, not {ip}")


def no_address(host: str) -> FetchFailed:
    return FetchFailed(FetchReason.DNS, f"{host} has no address")


async def _addresses(host: str, port: int, policy: FetchPolicy, resolver: Resolver) -> list[IPAddress]:
    try:
        return [ip_address(host)]
    except ValueError:
        pass  # a name
    try:
        with anyio.fail_after(policy.dns_seconds):
            return [ip_address(address) for address in await resolver(host, port)]
    except TimeoutError:
        raise FetchFailed(FetchReason.DNS_TIMEOUT, host) from None
    except (OSError, ValueError) as error:  # ValueError includes UnicodeError for too long labels
        raise FetchFailed(FetchReason.DNS, f"{host}: {error}") from None


def _families_in_turn(addresses: list[IPAddress]) -> list[IPAddress]:
    """Alternates the families (RFC 8305, 4), the first one's first: a dead IPv6 must not use up all tries."""
    same = [ip for ip in addresses if ip.version == addresses[0].version]
    other = [ip for ip in addresses if ip.version != addresses[0].version]
    return [ip for ip in chain.from_iterable(zip_longest(same, other)) if ip is not None]
