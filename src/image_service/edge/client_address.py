"""The client's address: the peer's, or the one that a trusted proxy forwards."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]

HOME_BITS = 64  # prefix of an IPv6 address that one household has; it chooses the rest


def client_address(peer: str, forwarded: Sequence[str], trusted: Networks) -> str:
    """`forwarded`: the values of all `X-Forwarded-For`, in order. Each proxy appends its peer's address, so they are
    read from the right while the writer is trusted. Reading stops at a value that is no address. Clients can forge the
    values that were not read.
    """
    heard = _parsed(peer)
    if heard is None or not _is_trusted(heard, trusted):
        return peer
    for hop in reversed(",".join(forwarded).split(",")):
        before = _parsed(hop.strip())
        if before is None:
            break
        heard = before
        if not _is_trusted(heard, trusted):
            break
    return str(heard)


def is_trusted(peer: str, trusted: Networks) -> bool:
    address = _parsed(peer)
    return address is not None and _is_trusted(address, trusted)


@lru_cache(1024)
def home(address: str) -> str:
    """The unit counted as one client: an address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> (128 - HOME_BITS) << (128 - HOME_BITS)))
    return str(parsed.ipv4_mapped) if isinstance(parsed, IPv6Address) else address


def _is_trusted(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)


def _parsed(text: str) -> Address | None:
    """With or without a port, as some proxies write it: `192.0.2.1:4711`, `[2001:db8::1]:4711`."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address
