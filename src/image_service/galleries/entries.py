"""The request: a list of the images that a product shall have, with options for each."""

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from image_service.images.library import UNCHANGED, Alt, Unchanged
from image_service.ingest.fetch_url import comparable


class Missing(StrEnum):
    """What becomes of images that no entry names."""

    REMOVE = "remove"
    KEEP = "keep"  # behind the others, in their order


class Refetch(StrEnum):
    """Which sources that an image has come from are fetched again."""

    CHANGED = "changed"  # unless the host says that they are unchanged
    NEVER = "never"
    ALWAYS = "always"


class OnError(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"  # nothing is changed


@dataclass(frozen=True)
class Entry:
    """A list item. Exactly one of `id`, `sha256` and `src` is given."""

    id: int | None = None
    sha256: str | None = None  # 64 hex digits
    src: str | None = None
    filename: str | None = None  # of a fetched file
    alt: Alt | Unchanged = UNCHANGED


@dataclass(frozen=True)
class Wanted:
    entries: tuple[Entry, ...]
    missing: Missing = Missing.REMOVE
    refetch: Refetch = Refetch.CHANGED
    on_error: OnError = OnError.CONTINUE


@dataclass(frozen=True)
class Target:
    """What an entry names, after URLs of the store's own images are resolved."""

    index: int  # of the entry
    alt: Alt | Unchanged = UNCHANGED
    id: int | None = None
    named: tuple[int, str] | None = None  # id and key of our image, if `src` is its URL
    sha256: str | None = None  # set with `named` too: an image with equal bytes matches
    url: str | None = None  # a source
    filename: str | None = None
    gone: str | None = None  # why the image behind our own URL no longer exists
    former: int | None = None  # the image that it named, if that has new bytes


@lru_cache(maxsize=10_000)
def source_of(url: str) -> Hashable:
    """Equal for two spellings of one URL."""
    return comparable(url)
