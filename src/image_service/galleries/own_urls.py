"""Recognizes URLs of this store's own images, which are never fetched.

A fetch would replace the original with a smaller, re-encoded variant. The key in the path decides, not the host: a
key cannot be guessed, while URLs change when a CDN is added, and a host may have several names.
"""

import re

import httpx

from image_service.database.database import Database
from image_service.errors import PictureRefused, Refusal
from image_service.images import queries
from image_service.images.queries import Image
from image_service.ingest.fetch_policy import MAX_URL
from image_service.ingest.fetch_url import absolute

# A slug may look like a key, and so may digests in foreign URLs. Our key comes last, except for a CDN's additions.
MAX_KEYS = 4
NOT_OURS = "not_found"  # the code for a host without the picture
_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


class Gone(PictureRefused):
    """A URL of this store whose image was deleted or replaced. `image_id`: the image, if it has new bytes."""

    def __init__(self, reason: str, *, answer: str = "", detail: str, image_id: int | None = None) -> None:
        super().__init__("src", Refusal.NOT_FETCHED, answer=answer, detail=detail, reason=reason)
        self.image_id = image_id


async def image_named(database: Database, delivery_base: str, store_id: int, src: str) -> Image | None:
    """The live image of the store whose current key is in the path of `src`; None for a URL that may be fetched.

    Raises `Gone` for an older key, which is known for a day, and for any other URL under `delivery_base`.
    """
    url = _parsed(src)
    if url is None:
        return None
    keys = _keys_of(url)
    for key in keys:
        if image := await queries.image_by_key(database, store_id, key):
            return image
    for key in keys:
        if known := await queries.end_of_key(database, store_id, key):
            end, image_id = known
            raise Gone(end, answer=f"has been {end}", detail=f"{end} image", image_id=image_id)
    if _is_under(url, httpx.URL(delivery_base)):
        raise Gone(NOT_OURS, detail="no live image of this store")
    return None


def keys_in(src: str) -> list[str]:
    """The keys that the path of `src` may have, the likeliest first."""
    url = _parsed(src)
    return [] if url is None else _keys_of(url)


def _keys_of(url: httpx.URL) -> list[str]:
    return _KEY.findall(url.path)[: -MAX_KEYS - 1 : -1]


def _parsed(src: str) -> httpx.URL | None:
    """Parse as the fetch does, with dot segments and escapes, so that no spelling evades the check."""
    if len(src) > MAX_URL:
        return None
    try:
        return httpx.URL(absolute(src))
    except (httpx.InvalidURL, ValueError):
        return None


def _is_under(url: httpx.URL, base: httpx.URL) -> bool:
    """Allows http, https, and a dot after the host."""
    if url.scheme not in ("http", "https"):
        return False
    if (url.raw_host.rstrip(b"."), url.port) != (base.raw_host.rstrip(b"."), base.port):
        return False
    return f"{url.path or '/'}/".startswith(base.path.rstrip("/") + "/")
