"""Entity tags of galleries and images: `"{version}-{hash}"` (RFC 9110, 8.8.3 and 13.1).

The version counts changes; the hash covers everything else that shapes the answer. Writes compare only the version,
so that a tag from any view of a gallery works for a conditional write.
"""

import hashlib
import re

from starlette.requests import Request

_TAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_VERSION = re.compile(r"(\d{1,19})-")


def etag(request: Request, version: int, *shape: str) -> str:
    """`shape`: inputs to the answer's form besides the query."""
    digest = hashlib.blake2s(digest_size=6)
    for part in (request.scope["query_string"].decode("latin-1"), *shape):
        digest.update(part.encode("utf-8", "surrogateescape") + b"\0")
    return f'"{version}-{digest.hexdigest()}"'


def fingerprint(*values: object) -> int:
    """Replaces the version for a list without a single revision."""
    return int.from_bytes(hashlib.blake2s(repr(values).encode(), digest_size=7).digest())


def is_current(request: Request, tag: str) -> bool:
    """Whether `If-None-Match` matches `tag` (weak comparison)."""
    header = ", ".join(request.headers.getlist("if-none-match"))
    return header.strip() == "*" or tag.strip('"') in _TAG.findall(header)


def expected_versions(request: Request) -> frozenset[int] | None:
    """The versions in `If-Match`; None: any. An unknown tag matches nothing."""
    headers = request.headers.getlist("if-match")
    if not headers or headers == ["*"]:
        return None
    versions = (_VERSION.match(tag) for tag in _TAG.findall(", ".join(headers)))
    return frozenset(int(match[1]) for match in versions if match)
