"""Which source URLs are tried at all. A name is judged again, by its addresses, when it is connected to."""

import re
from ipaddress import IPv4Address, IPv6Address

import httpx

from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason

DEFAULT_PORTS = {"http": 80, "https": 443}

# Parsers differ on what a backslash or a control character does to the host; no picture needs either.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")

# RFC 1123, 2.1, and the underscore, which real host names have.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)

# A host whose last label is a number is an IPv4 address, or an attempt at one (WHATWG URL, 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def judged_url(raw: str, policy: FetchPolicy) -> httpx.URL:
    """`raw` parsed, without its fragment, if a request may go there.

    International names come out in their ASCII form (IDNA), other characters percent-encoded. Judged is
    what came out, which is also what is asked for: the two cannot be read differently.
    Raises `FetchFailed`.
    """
    if not 0 < len(raw) <= policy.max_url:
        raise FetchFailed(FetchReason.BAD_URL, f"{len(raw)} characters")
    if _FORBIDDEN.search(raw):
        raise FetchFailed(FetchReason.BAD_URL, "control character or backslash")
    try:
        url = httpx.URL(raw).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: lone surrogates, odd IDNA labels
        raise FetchFailed(FetchReason.BAD_URL, str(error)) from None
    if url.scheme not in DEFAULT_PORTS:
        raise FetchFailed(FetchReason.BAD_SCHEME, url.scheme)
    if url.userinfo:
        raise FetchFailed(FetchReason.CREDENTIALS)
    port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
    if not (port in policy.ports or (policy.allow_private and 0 < port < 65536)):
        raise FetchFailed(FetchReason.BAD_PORT, str(port))
    _judge_host(url.raw_host.decode("ascii"), policy)
    return url


def _judge_host(host: str, policy: FetchPolicy) -> None:
    name = host.removesuffix(".")
    last_label = name.rpartition(".")[2]
    if ":" in host or _NUMBER.fullmatch(last_label):
        try:
            # Strict on purpose: no octal, hexadecimal, short or single-number form is taken.
            ip = IPv6Address(host) if ":" in host else IPv4Address(name)
        except ValueError:
            raise FetchFailed(FetchReason.BAD_HOST, host) from None
        if not policy.allows(ip):
            raise FetchFailed(FetchReason.BLOCKED_ADDRESS, host)
        return
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise FetchFailed(FetchReason.BAD_HOST, host)
    if last_label == name and not policy.allow_private:
        raise FetchFailed(FetchReason.BAD_HOST, f"{host}: one label")
