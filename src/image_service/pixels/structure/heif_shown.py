"""How a walked AVIF or HEIC is to be shown: its colours, its alpha, and how it is turned.

The decoder turns each tile by itself, and does not turn an alpha that has no rotation of its own. Browsers turn the
whole picture once, by the properties of its primary item.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from image_service.pixels.structure.boxes import head_at
from image_service.pixels.structure.heif_items import CODED, Item, Items
from image_service.pixels.structure.orientation import UPRIGHT
from image_service.pixels.structure.outline import Edit
from image_service.pixels.structure.walk_heif import coded_of, numbers_of, read_walked

TURNS = (b"irot", b"imir")
# EXIF orientations, by quarter turns to the left; then mirrored, top to bottom or left to right.
ROTATED = (1, 8, 3, 6)
MIRRORED = ((4, 5, 2, 7), (2, 7, 4, 5))
AV1 = b"av01"
# An AVIF's numbers of primaries, curve and matrix. 2: unspecified; every browser uses matrix 6 then.
UNSPECIFIED, BT601 = b"nclx\0\2\0\2\0\2", b"nclx\0\2\0\2\0\6"
DERIVED = (12, 13)  # matrices that follow from the primaries; browsers ignore the colours beside them


@dataclass(frozen=True)
class Shown:
    colours: tuple[int, int] | None  # numbers of primaries and curve
    is_narrow_grey: bool  # black is 16 of 255, white 235; the decoder widens this in colour alone
    is_premultiplied: bool
    edits: tuple[Edit, ...]  # so that the decoder takes the range, and does not turn if `orientation` says how
    orientation: int  # EXIF's number, to apply after these edits


def shown_of(data: bytes) -> Shown:
    """Read what the decoder ignores. `data` is walked."""
    file = read_walked(data)
    items = file.items
    primary = items.get(items.primary)
    tiles = [items.get(id) for id in primary.refers.get(b"dimg", [])]
    first = next((each for each in (primary, *tiles) if each.kind in CODED), None)
    coded = coded_of(file, first) if first else None
    numbers = numbers_of([primary, *tiles[:1]], coded)
    colours = None if numbers is None or numbers[2] in DERIVED else numbers[:2]
    is_odd = any(_turns(tile) for tile in tiles) or any(_turns(each) != _turns(primary) for each in _alphas(items))
    return Shown(
        colours,
        is_narrow_grey=coded is not None and coded.is_grey and numbers is not None and not numbers[3],
        is_premultiplied=bool(primary.refers.get(b"prem")),
        edits=tuple(_edits(memoryview(data), file.codec.item == AV1, is_odd)),
        orientation=_orientation(primary) if is_odd else UPRIGHT,
    )


def _alphas(items: Items) -> list[Item]:
    """Return the pictures that belong to the primary: its alpha, and others that are not shown."""
    return [item for item in items.by_id.values() if items.primary in item.refers.get(b"auxl", [])]


def _turns(item: Item) -> list[tuple[bytes, bytes]]:
    return [(kind, bytes(body)) for kind, body in item.properties if kind in TURNS]


def _orientation(item: Item) -> int:
    turns = dict(_turns(item))
    angle, axis = ((turns[kind] + b"\0")[0] if kind in turns else None for kind in TURNS)
    return (ROTATED if axis is None else MIRRORED[axis & 1])[(angle or 0) & 3]


def _edits(data: memoryview, is_av1: bool, is_odd: bool) -> Iterator[Edit]:
    """Make each turn a rotation by nothing, if they are odd. Name the matrix of an AVIF that leaves all its numbers
    open: the decoder would ignore the range beside them."""
    for start, stop in _inside(data, (b"meta", b"iprp", b"ipco")):
        for position, kind, body, end in _boxes(data, start, stop):
            if is_odd and kind in TURNS and end > body:
                yield Edit(position + 4, position + 8, b"irot")
                yield Edit(body, body + 1, b"\0")
            elif is_av1 and kind == b"colr" and data[body:end][: len(UNSPECIFIED)] == UNSPECIFIED:
                yield Edit(body, body + len(UNSPECIFIED), BT601)


def _inside(data: memoryview, path: tuple[bytes, ...]) -> list[tuple[int, int]]:
    """Return where the bodies of the boxes at `path` start and stop."""
    found = [(0, len(data))]
    for name in path:
        skipped = 4 if name == b"meta" else 0  # version and flags
        found = [
            (body + skipped, end)
            for start, stop in found
            for _, kind, body, end in _boxes(data, start, stop)
            if kind == name
        ]
    return found


def _boxes(data: memoryview, position: int, stop: int) -> Iterator[tuple[int, bytes, int, int]]:
    """Yield each box's start and kind, and its body's start and stop."""
    while position < stop and (found := head_at(data[:stop], position)):
        kind, body, end = found
        yield position, kind, body, end
        position = end
