"""Gallery sync as plainly as it can be said, to compare the service with: lists and loops, no SQL, no HTTP."""

from dataclasses import dataclass, replace
from typing import Literal

ABSENT = "(absent)"


@dataclass(frozen=True)
class Picture:
    """An image: `color` stands for its bytes, `source` for the URL that it was fetched from."""

    id: int
    color: str
    source: str | None
    alt: str | None


@dataclass(frozen=True)
class Wish:
    """An entry of a list. `own`: the picture whose own URL it has."""

    kind: Literal["id", "sha256", "src", "own"]
    id: int = 0
    color: str = ""
    url: str = ""
    own: Picture | None = None
    alt: str | None = ABSENT

    def means(self, picture: Picture) -> bool:
        """By its bytes or by its source."""
        if self.kind == "src":
            return picture.source == self.url
        return self.kind in ("sha256", "own") and picture.color == self.bytes_

    @property
    def bytes_(self) -> str:
        return self.own.color if self.own else self.color


@dataclass(frozen=True)
class Host:
    """What a URL sends: a picture, no picture, or a status."""

    color: str
    state: Literal["up", "down", "broken"] = "up"


@dataclass(frozen=True)
class Told:
    outcome: str
    id: int | None  # None: none, or new
    reason: str | None = None


@dataclass(frozen=True)
class End:
    pictures: list[Picture]  # new ones have the id 0
    told: list[Told]


def named(wishes: list[Wish], pictures: list[Picture]) -> list[Picture | None]:
    found: list[Picture | None] = [None] * len(wishes)
    left = sorted(pictures, key=lambda picture: picture.id)

    def give(number: int, picture: Picture | None) -> None:
        if picture is not None:
            found[number] = picture
            left.remove(picture)

    for number, wish in enumerate(wishes):
        if wish.kind == "id":
            give(number, next((each for each in left if each.id == wish.id), None))
    for number, wish in enumerate(wishes):
        if wish.own is not None:
            own = wish.own.id
            give(number, next((each for each in left if each.id == own), None))
    for kinds in (("src",), ("sha256", "own")):
        for number, wish in enumerate(wishes):
            if found[number] is None and wish.kind in kinds:
                give(number, next((each for each in left if wish.means(each)), None))
    return found


def sync(
    wishes: list[Wish], pictures: list[Picture], hosts: dict[str, Host], others: set[str], *, keep: bool, never: bool
) -> End:
    """`others`: colours that the store has elsewhere."""
    has = named(wishes, pictures)
    here = others | {picture.color for picture in pictures}
    end: list[Picture] = []
    told: list[Told] = []
    for wish, old in zip(wishes, has, strict=True):
        new, outcome, reason = _of(wish, old, hosts, here, never=never)
        if new is not None:
            if wish.alt != ABSENT:
                new = replace(new, alt=wish.alt)
            end.append(new)
            if outcome == "unchanged" and old is not None:
                if new.alt != old.alt:
                    outcome = "described"
                elif pictures.index(old) != len(end) - 1:
                    outcome = "moved"
        told.append(Told(outcome, old.id if old else None, reason))
    for picture in pictures:
        if picture not in has:
            if keep:
                end.append(picture)
            else:
                told.append(Told("removed", picture.id))
    return End(end, told)


def _of(
    wish: Wish, old: Picture | None, hosts: dict[str, Host], here: set[str], *, never: bool
) -> tuple[Picture | None, str, str | None]:
    if wish.kind == "id":
        return (old, "unchanged", None) if old else (None, "failed", "image_not_found")
    if wish.kind != "src":
        if old is not None:
            return old, "unchanged", None
        if wish.bytes_ not in here:
            return None, "failed", "sha256_not_found"
        return Picture(0, wish.bytes_, None, None), "copied", None
    if old is not None and never:
        return old, "unchanged", None
    host = hosts[wish.url]
    if host.state == "down":
        return old, "failed", "host_error"
    if host.state == "broken":
        return old, "failed", "other_format"
    if old is None:
        return Picture(0, host.color, wish.url, None), "added", None
    if old.color == host.color:
        return old, "unchanged", None
    return replace(old, color=host.color), "replaced", None
