"""AVIF and HEIC: one picture coded in AV1 or HEVC, whole or in tiles, within boxes (ISO/IEC 23008-12)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from struct import Struct

from image_service.errors import Kind, Refusal
from image_service.pixels.limits import Limits, Refused, broken, cut, other, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.av1 import coded_in_av1
from image_service.pixels.structure.boxes import Tally, head_at
from image_service.pixels.structure.coded import Coded
from image_service.pixels.structure.heif_items import CODED, IN_FILE, METADATA, Item, Items, read_items
from image_service.pixels.structure.hevc import coded_in_hevc
from image_service.pixels.structure.kinds import kind_of
from image_service.pixels.structure.outline import Structure

SIZE = Struct(">4xII")  # width, height
NCLX = Struct(">4xHHHB")  # primaries, curve, matrix, range
PROFILES = (b"prof", b"rICC")
FULL = 0x80  # bit of a range
NOT_SHOWN = (9, 10, 11, 12)  # curves, as logarithms: no browser shows an AVIF that has one
GRID = Struct(">xBBB")  # flags, rows - 1, columns - 1; then width and height


@dataclass(frozen=True)
class _Codec:
    """How pictures of one kind are coded, and the measured bytes per pixel that its decoder, libheif and libvips hold:
    for 8 bits per sample, for more."""

    format: Format
    kind: Kind
    brands: frozenset[bytes]
    item: bytes  # kind of its items
    config: bytes  # property of each item
    read: Callable[[bytes, bytes, Tally], Coded]
    subsampled_bytes: tuple[int, int]  # one colour sample per four pixels: nearly all
    other_bytes: tuple[int, int]
    untiled_bytes: int  # added if the picture has no tiles
    tiles: int  # most tiles


AVIF = _Codec(
    format=Format.AVIF,
    kind=Kind.AVIF,
    brands=frozenset((b"avif", b"avis")),
    item=b"av01",
    config=b"av1C",
    read=coded_in_av1,
    subsampled_bytes=(18, 21),
    other_bytes=(20, 26),
    untiled_bytes=0,
    tiles=128,  # each has its own decoder; a phone's 12 megapixels have 48
)
HEIC = _Codec(
    format=Format.HEIC,
    kind=Kind.HEIC,
    brands=frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx")),
    item=b"hvc1",
    config=b"hvcC",
    read=coded_in_hevc,
    subsampled_bytes=(5, 8),
    other_bytes=(9, 13),
    untiled_bytes=1,
    tiles=256,  # a phone's 50 megapixels have 192
)
SECOND_BYTES = 3  # per pixel of a second picture, no larger than the first, such as its alpha
SEQUENCES = (b"avis", b"msf1")


@dataclass(frozen=True)
class File:
    codec: _Codec
    data: memoryview
    items: Items
    tally: Tally
    end: int  # offset after the last box

    def read(self, item: Item) -> bytes:
        source = self.data[: self.end] if item.where == IN_FILE else self.items.data
        if any(offset + length > len(source) for offset, length in item.extents):
            raise cut("HEIF cut before the end of an item")
        return b"".join(source[offset : offset + length] for offset, length in item.extents)


def walk_heif(data: bytes, limits: Limits) -> Structure:
    """Return the outline of an AVIF or HEIC, with its size before rotation and crop. A trailer may follow its boxes.

    Refuses image sequences, other codings and data outside the file.
    """
    file = _read_boxes(data, limits)
    items = file.items
    if items.furthest > file.end:
        raise cut("HEIF cut before the end of an item")
    if sum(item.weight for item in items.by_id.values()) > file.end:
        raise broken("HEIF whose items share bytes")
    if sum(item.kind in METADATA for item in items.by_id.values()) > limits.text:
        raise broken("HEIF with too much metadata")
    coded = {id: coded_of(file, item) for id, item in items.by_id.items() if item.kind in CODED}
    primary = items.get(items.primary)
    width, height = _size(primary)
    parts = [items.primary]
    if primary.kind == b"grid":
        parts = _tiles(file, primary, coded)
    if not all(id in coded for id in parts):
        raise broken("HEIF whose picture is none")
    whole = set(parts)
    for item in items.by_id.values():
        if item.kind == b"grid" and item is not primary:  # the grid of its alpha
            whole |= set(_tiles(file, item, coded))
        if item.kind == b"grid" and prod(_size(item)) > width * height:
            raise broken("HEIF with a second picture that is larger than its own")

    held = 0
    for id, each in coded.items():
        held += each.held * (
            _pixel_bytes(file.codec, each, is_tile=id != items.primary) if id in whole else SECOND_BYTES
        )
        if id not in whole and each.held > width * height:  # it would need as much memory as the first
            raise broken("HEIF with a second picture that is larger than its own")
    tile = items.get(parts[0])
    numbers = numbers_of([primary, tile], coded[parts[0]])
    if file.codec is AVIF and numbers and numbers[1] in NOT_SHOWN and not _colours((primary, tile), PROFILES):
        raise broken("AVIF with a curve that no browser shows")
    structure = Structure(file.codec.format, width, height, 1, file.end, decoded=held)
    structure.check(limits)
    if held > limits.whole:
        raise too_large(f"{width}x{height} to be held whole")
    return structure


def numbers_of(items: Sequence[Item], coded: Coded | None) -> tuple[int, int, int, bool] | None:
    """Return the numbers of primaries, curve and matrix, and whether the range is full: as the first of the items that
    says so, else as `coded`.
    """
    for body in _colours(items, (b"nclx",)):
        if len(body) >= NCLX.size:
            primaries, curve, matrix, range_ = NCLX.unpack_from(body)
            return primaries, curve, matrix, bool(range_ & FULL)
    return None if coded is None or coded.colours is None else (*coded.colours, coded.is_full_range)


def _colours(items: Sequence[Item], kinds: tuple[bytes, ...]) -> list[memoryview]:
    described = (body for item in items for kind, body in item.properties if kind == b"colr")
    return [body for body in described if bytes(body[:4]) in kinds]


def read_walked(data: bytes) -> File:
    """Read the boxes of a walked picture again."""
    formats = tuple(codec.format for codec in (AVIF, HEIC))
    return _read_boxes(data, Limits(chunks=2**31, text=2**31, formats=formats))


def _read_boxes(data: bytes, limits: Limits) -> File:
    view, tally = memoryview(data), Tally(limits.chunks)
    codec: _Codec | None = None
    items: Items | None = None
    position, open_from = 0, None
    while position < len(view) and (found := head_at(view, position)):
        kind, start, stop = found
        tally.count()
        if kind == b"ftyp" and position == 0:
            codec = _codec(data[start:stop], kind_of(data), limits)
        elif kind == b"moov":
            raise _sequence(codec)
        elif kind == b"meta" and items is None:
            items = read_items(view[start:stop], tally)
        elif kind not in (b"mdat", b"free", b"skip") and (items is not None or kind == b"ftyp"):
            break  # a box of another file
        open_from = None if any(view[position : position + 4]) else start  # no length: to the file's end
        position = stop
    if codec is None or items is None:
        raise cut("HEIF without a list of its items")
    end = position if open_from is None else max(open_from, items.furthest)
    return File(codec, view, items, tally, end)


def _codec(body: bytes, kind: Kind | None, limits: Limits) -> _Codec:
    """Find the codec by the major and the compatible brands of `ftyp`. Raises `Refused` if it is not accepted."""
    brands = {body[at : at + 4] for at in (0, *range(8, len(body) - 3, 4))}
    found = [codec for codec in (AVIF, HEIC) if brands & codec.brands]
    if not found:
        raise other(kind or Kind.VIDEO)
    if len(found) > 1:
        raise broken("HEIF that is AVIF and HEIC")
    (codec,) = found
    if codec.format not in limits.formats:
        raise other(codec.kind)
    if codec is AVIF and not brands.isdisjoint(SEQUENCES):
        raise _sequence(codec)
    return codec


def _sequence(codec: _Codec | None) -> Refused:
    return other(Kind.HEIC) if codec is HEIC else Refused(Refusal.ANIMATED_AVIF, "AVIF that is a sequence")


def _size(item: Item) -> tuple[int, int]:
    body = item.one_property(b"ispe")
    if len(body) != SIZE.size:
        raise broken("HEIF with a bad size")
    width, height = SIZE.unpack(body)
    return width, height


def coded_of(file: File, item: Item) -> Coded:
    """Read a coded picture's header. Raises `Refused` if the file says otherwise."""
    if item.kind != file.codec.item:
        raise broken("HEIF of two codings, or of one that it does not name")
    coded = file.codec.read(bytes(item.one_property(file.codec.config)), file.read(item), file.tally)
    if (coded.width, coded.height) != _size(item):
        raise broken("HEIF whose picture is of another size than it says")
    return coded


def _tiles(file: File, grid: Item, coded: dict[int, Coded]) -> list[int]:
    """Return a grid's tile ids. Raises `Refused` unless they fill its cells, have one size and just cover it."""
    data = file.read(grid)
    if len(data) < GRID.size:
        raise broken("HEIF cut in a grid")
    flags, rows, columns = GRID.unpack_from(data)
    rows, columns = rows + 1, columns + 1
    side = 4 if flags & 1 else 2  # bytes
    size = tuple(int.from_bytes(data[at : at + side], "big") for at in (GRID.size, GRID.size + side))
    ids = grid.refers.get(b"dimg", [])
    if rows * columns > file.codec.tiles:
        raise too_large(f"{rows * columns} tiles")
    if len(data) != GRID.size + 2 * side or size != _size(grid):
        raise broken("HEIF with a grid of another size than it says")
    if len(ids) != rows * columns or len(set(ids)) != len(ids) or not all(id in coded for id in ids):
        raise broken("HEIF whose grid has not its tiles")
    tiles = {(coded[id].width, coded[id].height) for id in ids}
    for width, height in tiles:
        covers = (columns - 1) * width < size[0] <= columns * width and (rows - 1) * height < size[1] <= rows * height
        if len(tiles) > 1 or not covers:
            raise broken("HEIF whose tiles do not fit its grid")
    return ids


def _pixel_bytes(codec: _Codec, coded: Coded, *, is_tile: bool) -> int:
    held = (codec.subsampled_bytes if coded.is_subsampled else codec.other_bytes)[coded.is_deep]
    return held if is_tile else held + codec.untiled_bytes
