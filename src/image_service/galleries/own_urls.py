"""Which URLs are of pictures that this store has here: they are never fetched.

A fetch would bring a variant, smaller and encoded once more, and put it in the place of the original. The key in the
path decides, not the host: a key cannot be guessed, while pictures had other URLs before a CDN was put in front, and
have several where a host has several names.
"""

import re

import httpx

from image_service.database.database import Database
from image_service.errors import PictureRefused, Refusal
from image_service.images import queries
from image_service.images.queries import Image
from image_service.ingest.fetch_policy import MAX_URL
from image_service.ingest.fetch_url import absolute

# A slug may look like a key, as may the digests in other people's URLs. Ours comes last, but for what a CDN appends.
MAX_KEYS = 4
NOT_OURS = "not_found"  # coded, as of a host that has no such picture
_KEY = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


async def image_named(database: Database, delivery_base: str, store_id: int, src: str) -> Image | None:
    """The live image of the store whose current key is in the path of `src`; None for a URL that may be fetched.

    Raises `PictureRefused` (`src`) for an older key, which is known for a day, and for any other URL under
    `delivery_base`.
    """
    url = _parsed(src)
    if url is None:
        return None
    keys = _KEY.findall(url.path)[: -MAX_KEYS - 1 : -1]
    for key in keys:
        if image := await queries.image_by_key(database, store_id, key):
            return image
    for key in keys:
        if end := await queries.end_of_key(database, store_id, key):
            raise PictureRefused(
                "src", Refusal.NOT_FETCHED, answer=f"has been {end}", detail=f"{end} image", reason=end
            )
    if _is_under(url, httpx.URL(delivery_base)):
        raise PictureRefused("src", Refusal.NOT_FETCHED, detail="no live image of this store", reason=NOT_OURS)
    return None


def _parsed(src: str) -> httpx.URL | None:
    """As the fetch would read it, dot segments and escapes included, so that no spelling is fetched after all."""
    if len(src) > MAX_URL:
        return None
    try:
        return httpx.URL(absolute(src))
    except (httpx.InvalidURL, ValueError):
        return None


def _is_under(url: httpx.URL, base: httpx.URL) -> bool:
    """Either scheme is ours, and a dot behind the host."""
    if url.scheme not in ("http", "https"):
        return False
    if (url.raw_host.rstrip(b"."), url.port) != (base.raw_host.rstrip(b"."), base.port):
        return False
    return f"{url.path or '/'}/".startswith(base.path.rstrip("/") + "/")
