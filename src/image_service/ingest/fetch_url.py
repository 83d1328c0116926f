"""Checks source URLs before a request. `fetch_connect` checks a name's addresses when it connects.

The client is told what is wrong with a URL's text: this reveals nothing about our network. The client is not told
that an address is forbidden: a setting decides which are allowed.
"""

import re
from collections.abc import Hashable
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote_to_bytes

import httpx

from image_service.ingest.fetch_policy import FetchFailed, FetchPolicy, FetchReason

DEFAULT_PORTS = {"http": 80, "https": 443}

NOT_A_URL = "is not a valid URL"
NO_HOST = "has no valid host"

# Parsers differ on what a backslash or a control character does to the host; no picture needs either.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")

# RFC 1123, 2.1, and the underscore, which real host names have.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)

# A host whose last label is a number is an IPv4 address, or an attempt at one (WHATWG URL, 3.5).
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)


def absolute(raw: str) -> str:
    """The URL as requested: stripped of blanks; `//host/path`, as shops write it, becomes https."""
    url = raw.strip(" \t\r\n")
    return f"https:{url}" if url.startswith("//") else url


def comparable(raw: str) -> Hashable:
    """Equal for equivalent URLs (RFC 3986, 6.2). Ignores the case of scheme and host, a default port,
    percent-encoding, dot segments and fragments.
    """
    text = absolute(raw)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return text
    port = DEFAULT_PORTS.get(url.scheme) if url.port is None else url.port
    path = tuple(map(unquote_to_bytes, url.raw_path.partition(b"?")[0].split(b"/")))
    return url.scheme, url.raw_host.rstrip(b"."), port, path, _fields_of(url.query)


def _fields_of(query: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """As `parse_qsl` reads them, but for any bytes: it refuses those that are not ASCII once decoded."""
    pairs = (field.replace(b"+", b" ").partition(b"=") for field in query.split(b"&") if field)
    return tuple((unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in pairs)


def host_of(raw: str) -> str:
    """The host of any text; empty if there is none."""
    try:
        return httpx.URL(absolute(raw)).host
    except (httpx.InvalidURL, ValueError):
        return ""


def judged_url(raw: str, policy: FetchPolicy) -> httpx.URL:
    """`raw` as an absolute, parsed URL without fragment, if the policy allows it.

    International names become ASCII (IDNA), other characters are percent-encoded. The check uses the
    result, which is also requested: so the two cannot differ.
    Raises `FetchFailed`.
    """
    text = absolute(raw)
    if not text:
        raise FetchFailed(FetchReason.BAD_URL, public="can't be blank")
    if len(text) > policy.max_url:
        too_long = f"is too long (maximum is {policy.max_url} characters)"
        raise FetchFailed(FetchReason.BAD_URL, f"{len(text)} characters", too_long)
    if _FORBIDDEN.search(text):
        raise FetchFailed(FetchReason.BAD_URL, "control character or backslash", NOT_A_URL)
    try:
        url = httpx.URL(text).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError) as error:  # ValueError: lone surrogates, odd IDNA labels
        raise FetchFailed(FetchReason.BAD_URL, str(error), NOT_A_URL) from None
    if url.scheme not in DEFAULT_PORTS:
        raise FetchFailed(FetchReason.BAD_SCHEME, url.scheme, "must be an http:// or https:// URL")
    if url.userinfo:
        raise FetchFailed(FetchReason.CREDENTIALS, public="must not hold a user name or password")
    if not url.raw_host:
        raise FetchFailed(FetchReason.BAD_HOST, public="has no host")
    port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
    if not (port in policy.ports or (policy.allow_private and 0 < port < 65536)):
        raise FetchFailed(FetchReason.BAD_PORT, str(port), "has a port that is not allowed")
    _judge_host(url.raw_host.decode("ascii"), policy)
    return url


def _judge_host(host: str, policy: FetchPolicy) -> None:
    name = host.removesuffix(".")
    last_label = name.rpartition(".")[2]
    if ":" in host or _NUMBER.fullmatch(last_label):
        try:
            # Strict on purpose: refuses octal, hexadecimal, short and single-number forms.
            ip = IPv6Address(host) if ":" in host else IPv4Address(name)
        except ValueError:
            raise FetchFailed(FetchReason.BAD_HOST, host, NO_HOST) from None
        if not policy.allows(ip):
            raise FetchFailed(FetchReason.BLOCKED_ADDRESS, host)
        return
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise FetchFailed(FetchReason.BAD_HOST, host, NO_HOST)
    if last_label == name and not policy.allow_private:
        raise FetchFailed(FetchReason.BAD_HOST, f"{host}: one label", NO_HOST)
