"""Which IP addresses are public. A source URL may only lead to these.

This module does not use `ipaddress.is_global`: its result differs between Python versions, and some versions call
multicast, NAT64 and 6to4 addresses global. The tables come from the IANA registries of special-purpose
addresses (RFC 6890 and its successors).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network" (RFC 791); Linux takes 0.0.0.0 for the loopback
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # shared by carriers (RFC 6598); a cloud's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback (RFC 1122)
        "169.254.0.0/16",  # link-local (RFC 3927); most clouds' metadata at 169.254.169.254
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890); a cloud's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.31.196.0/24",  # AS112, answers DNS alone (RFC 7535)
        "192.52.193.0/24",  # multicast tunnels (RFC 7450)
        "192.88.99.0/24",  # 6to4 relays, withdrawn (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "192.175.48.0/24",  # AS112, answers DNS alone (RFC 7534)
        "198.18.0.0/15",  # benchmarks (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved (RFC 1112), and the limited broadcast
        "168.63.129.16/32",  # looks public; in Azure it is the host's own control service
    )
)

# Only this is assigned as global unicast (RFC 4291, 2.4). This one check refuses all others: loopback,
# unspecified, v4-mapped ::ffff:0:0/96, v4-compatible ::/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48,
# discard 100::/64, segment routing 5f00::/16, unique local fc00::/7, link-local, site-local, multicast.
GLOBAL_UNICAST_V6 = IPv6Network("2000::/3")

NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments (RFC 2928): Teredo (RFC 4380), benchmarks, ORCHID, ...
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 (RFC 3056): an IPv4 address, private or not, in disguise
        "2620:4f:8000::/48",  # AS112, answers DNS alone (RFC 7534)
        "3fff::/20",  # documentation (RFC 9637)
    )
)

# An ISATAP address (RFC 5214, 6.1) holds an IPv4 address behind these, under any prefix.
ISATAP_MARKS = (b"\x00\x00\x5e\xfe", b"\x02\x00\x5e\xfe")


def is_public(ip: IPAddress) -> bool:
    """Whether `ip` is a public Internet address.

    Refuses every IPv6 address that embeds an IPv4 address, even a public one: no picture is published
    under one.
    """
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in NOT_PUBLIC_V4)
    if ip.scope_id is not None or ip.packed[8:12] in ISATAP_MARKS:
        return False
    return ip in GLOBAL_UNICAST_V6 and not any(ip in network for network in NOT_PUBLIC_V6)
