"""What is asked for: a list of the images that a product shall have, and what it says of each."""

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

    CHANGED = "changed"  # those of which the host does not say that they are the same
    NEVER = "never"
    ALWAYS = "always"


class OnError(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"  # nothing is changed


@dataclass(frozen=True)
class Entry:
    """One of the list. Exactly one of `id`, `sha256` and `src` is given."""

    id: int | None = None
    sha256: str | None = None  # 64 hex digits
    src: str | None = None
    filename: str | None = None  # of what is fetched
    alt: Alt | Unchanged = UNCHANGED


@dataclass(frozen=True)
class Wanted:
    entries: tuple[Entry, ...]
    missing: Missing = Missing.REMOVE
    refetch: Refetch = Refetch.CHANGED
    on_error: OnError = OnError.CONTINUE


@dataclass(frozen=True)
class Target:
    """What an entry names, once it is known which URLs are of pictures that the store has here."""

    index: int  # of the entry
    alt: Alt | Unchanged = UNCHANGED
    id: int | None = None
    named: tuple[int, str] | None = None  # id and key of the image whose own URL `src` is
    sha256: str | None = None  # also of that one: another image with its bytes is as good
    url: str | None = None  # a source
    filename: str | None = None
    refused: str | None = None  # why it names nothing


@lru_cache(maxsize=10_000)
def source_of(url: str) -> Hashable:
    """Equal for two spellings of one URL."""
    return comparable(url)
