"""Names in the blob store.

    private/ab/abcd…                                          an original
    public/stores/001/234/products/red-shoe-abcd…-640-0.jpg   a variant

A variant's name is the path of its URL, so that nginx or a CDN can serve it without the service.
"""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

from anyascii import anyascii

MAX_SLUG = 80  # characters; with the key and the longest size a file name stays far below the 255 of file systems
MAX_STORE_ID = 2**63 - 1  # PostgreSQL's bigint
CACHE_FOREVER = "public, max-age=31536000, immutable"  # `Cache-Control` of a variant: its bytes never change
EXTENSIONS = ("jpg", "png", "gif", "webp", "avif")  # of variants
# Extensions of markers: empty blobs beside a variant which say that another format is lighter than this one at the URL
# of the picture's own format. nginx looks for them too.
MARKERS = {"webp": "nowebp", "avif": "noavif"}

INSTANCE = "private/instance"  # the installation's id, written once
HIGH_WATER = "private/high-water"  # id of an image whose bytes are or were in this blob store
MARK = "private/mark"  # written by the last sweep, also to the database
REWRITTEN = frozenset((HIGH_WATER, MARK))  # all other blobs in `private/` are written once

_KEY = re.compile(r"[0-9a-f]{32}")

_VARIANT = re.compile(
    r"stores/(?P<store>[0-9]{3}(?:/[0-9]{3}){1,6})/products/"
    r"(?P<slug>[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?)"
    r"-(?P<key>[0-9a-f]{32})"  # the number of "-" from here to the end is fixed, so its position is unambiguous
    r"-(?P<size>(?:0|[1-9][0-9]{0,4})-(?:0|[1-9][0-9]{0,4}))"
    r"\.(?P<ext>[a-z]{1,8})"
)


def new_key() -> str:
    """Return 32 random hex digits, which cannot be guessed. They name the bytes of one upload permanently."""
    return secrets.token_hex(16)


def original_name(key: str) -> str:
    """Uses the first two hex digits as a directory: 256 of them hold a million originals at 4,000 files each."""
    return f"private/{key[:2]}/{key}"


def key_of_original(name: str) -> str | None:
    """The inverse of `original_name`; None for any other blob."""
    key = name.rpartition("/")[2]
    return key if _KEY.fullmatch(key) and name == original_name(key) else None


def store_prefix(store_id: int) -> str:
    """Return the name prefix of all variants of a store."""
    return f"public/stores/{_grouped(store_id)}/products/"


def variant_path(store_id: int, slug: str, key: str, size: str, ext: str) -> str:
    """Return the path of a variant's URL, without the leading slash."""
    return f"stores/{_grouped(store_id)}/products/{slug}-{key}-{size}.{ext}"


@dataclass(frozen=True)
class VariantName:
    """Prints as its URL's path, without the leading slash."""

    store_id: int  # 1 .. MAX_STORE_ID
    slug: str  # as `slugify` makes it
    key: str  # 32 hex digits
    size: str  # "640-0": width and height in pixels; 0: follows from the other side
    ext: str  # "jpg", …: lower-case letters

    def __str__(self) -> str:
        return variant_path(self.store_id, self.slug, self.key, self.size, self.ext)

    @property
    def blob(self) -> str:
        return f"public/{self}"

    def as_(self, ext: str) -> Self:
        return replace(self, ext=str(ext))

    @property
    def marker(self) -> str | None:
        """The blob which marks this as not the lightest format; None for a picture's own formats."""
        return replace(self, ext=MARKERS[self.ext]).blob if self.ext in MARKERS else None

    @classmethod
    def parse(cls, path: str) -> Self | None:
        """Return the name that prints as exactly `path`, or None: every variant has one spelling."""
        match = _VARIANT.fullmatch(path)
        if match is None:
            return None
        store_id = int(match["store"].replace("/", ""))
        name = cls(store_id, match["slug"], match["key"], match["size"], match["ext"])
        return name if 1 <= store_id <= MAX_STORE_ID and str(name) == path else None


def variant_names(store_id: int, slug: str, key: str, sizes: Iterable[str]) -> list[VariantName]:
    """Return the names of all possible variants of one key, in all formats, and of their markers."""
    extensions = (*EXTENSIONS, *MARKERS.values())
    return [VariantName(store_id, slug, key, size, ext) for size in sizes for ext in extensions]


@lru_cache(maxsize=4096)
def _grouped(store_id: int) -> str:
    """`1234` -> `001/234`."""
    digits = f"{store_id:06}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    return "/".join(digits[i : i + 3] for i in range(0, len(digits), 3))


def slugify(name: str) -> str:
    """Turn a file name, or the percent-decoded last segment of a URL, into the slug of its variants.

    `Rød Sko (2).JPG` -> `rod-sko-2`, `фото товара 1.png` -> `foto-tovara-1`; `image` if nothing is left.
    """
    stem = re.sub(r"\.[A-Za-z0-9]{1,5}$", "", name.strip())
    # Compose first: macOS file names have separate letters and accents, which would be transliterated separately.
    composed = unicodedata.normalize("NFKC", stem).casefold()
    plain = "".join(map(_transliterated, composed))
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:MAX_SLUG].rstrip("-") or "image"


def _transliterated(char: str) -> str:
    """A letter becomes letters only: a soft sign's apostrophe must not split a word."""
    plain = anyascii(char)
    return re.sub(r"[^A-Za-z0-9]", "", plain) if char.isalpha() else plain
