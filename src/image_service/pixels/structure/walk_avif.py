"""AVIF: one picture coded in AV1, whole or in tiles, within boxes (AV1 Image File Format; ISO/IEC 23008-12)."""

from dataclasses import dataclass
from math import prod
from struct import Struct

from image_service.pixels.limits import Limits, broken, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.av1 import Sequence, sequence_of
from image_service.pixels.structure.avif_items import IN_FILE, Item, Items, read_items
from image_service.pixels.structure.boxes import Tally, head_at
from image_service.pixels.structure.outline import Structure

SIZE = Struct(">4xII")  # width, height
GRID = Struct(">xBBB")  # flags, rows - 1, columns - 1; then width and height
CONFIG_BYTES = 4  # of a coded picture's `av1C`, before units that belong in front of its data

# What libheif, dav1d and libvips hold for each pixel, as measured, by whether it has 8 bits a sample or more.
SUBSAMPLED_BYTES = {False: 18, True: 21}  # one colour sample for four pixels: nearly all
OTHER_BYTES = {False: 20, True: 26}
SECOND_BYTES = 3  # of a picture beside the first and no larger, such as its alpha


@dataclass(frozen=True)
class _File:
    data: memoryview
    items: Items
    tally: Tally
    end: int  # of the boxes

    def read(self, item: Item) -> bytes:
        source = self.data[: self.end] if item.where == IN_FILE else self.items.data
        if any(offset + length > len(source) for offset, length in item.extents):
            raise broken("AVIF cut before the end of an item")
        return b"".join(source[offset : offset + length] for offset, length in item.extents)


def walk_avif(data: bytes, limits: Limits) -> Structure:
    """The outline of an AVIF; the size is that before turns and crops. Behind its last box is a trailer.

    HEIC, image sequences (`avis`) and data outside the file are refused.
    """
    file = _read_boxes(data, limits)
    items = file.items
    if sum(item.weight for item in items.by_id.values()) > file.end:
        raise broken("AVIF whose items share bytes")
    if sum(item.kind in (b"Exif", b"mime") for item in items.by_id.values()) > limits.text:
        raise broken("AVIF with too much metadata")
    coded = {id: _coded(file, item) for id, item in items.by_id.items() if item.kind == b"av01"}
    primary = items.get(items.primary)
    width, height = _size(primary)
    parts = [items.primary]
    if primary.kind == b"grid":
        parts = _tiles(file, primary, coded, limits)
    if not all(id in coded for id in parts):
        raise broken("AVIF whose picture is none")
    whole = set(parts)
    for item in items.by_id.values():
        if item.kind == b"grid" and item is not primary:  # of its alpha
            whole |= set(_tiles(file, item, coded, limits))
        if item.kind == b"grid" and prod(_size(item)) > width * height:
            raise broken("AVIF with a second picture that is larger than its own")

    held = 0
    for id, each in coded.items():
        pixels = each.width * each.height
        held += pixels * (_pixel_bytes(each) if id in whole else SECOND_BYTES)
        if id not in whole and pixels > width * height:  # it would be held as the first one is
            raise broken("AVIF with a second picture that is larger than its own")
    structure = Structure(Format.AVIF, width, height, 1, file.end, decoded=held)
    structure.check(limits)
    if held > limits.whole:
        raise too_large(f"{width}x{height} to be held whole")
    return structure


def _read_boxes(data: bytes, limits: Limits) -> _File:
    view, tally = memoryview(data), Tally(limits.chunks)
    items: Items | None = None
    position, open_from = 0, None
    while position < len(view) and (found := head_at(view, position)):
        kind, start, stop = found
        tally.count()
        if kind == b"ftyp" and position == 0:
            _check_brands(bytes(view[start:stop]))
        elif kind == b"moov":
            raise broken("AVIF that is a sequence")
        elif kind == b"meta" and items is None:
            items = read_items(view[start:stop], tally)
        elif kind not in (b"mdat", b"free", b"skip") and (items is not None or kind == b"ftyp"):
            break  # another file's
        open_from = None if any(view[position : position + 4]) else start  # without a length: to the file's end
        position = stop
    if items is None:
        raise broken("AVIF without a list of its items")
    end = position if open_from is None else max(open_from, items.furthest)
    return _File(view, items, tally, end)


def _check_brands(body: bytes) -> None:
    """The major brand, its version, then those that it is compatible with."""
    brands = {body[at : at + 4] for at in (0, *range(8, len(body) - 3, 4))}
    if b"avif" not in brands:
        raise broken("of the HEIF family, but not AVIF")
    if brands & {b"avis", b"msf1", b"heic", b"heix", b"hevc", b"hevx"}:
        raise broken("AVIF that is a sequence, or HEIC too")


def _size(item: Item) -> tuple[int, int]:
    body = item.one_property(b"ispe")
    if len(body) != SIZE.size:
        raise broken("AVIF with a bad size")
    width, height = SIZE.unpack(body)
    return width, height


def _coded(file: _File, item: Item) -> Sequence:
    """What the coded picture says of itself, which must be what the file says of it."""
    config = bytes(item.one_property(b"av1C"))
    sequence = sequence_of(config[CONFIG_BYTES:], file.read(item), file.tally)
    if (sequence.width, sequence.height) != _size(item):
        raise broken("AVIF whose picture is of another size than it says")
    return sequence


def _tiles(file: _File, grid: Item, coded: dict[int, Sequence], limits: Limits) -> list[int]:
    """The ids of a grid's tiles: as many as it has places, all of one size, and no more than cover it."""
    data = file.read(grid)
    if len(data) < GRID.size:
        raise broken("AVIF cut in a grid")
    flags, rows, columns = GRID.unpack_from(data)
    rows, columns = rows + 1, columns + 1
    side = 4 if flags & 1 else 2  # bytes
    size = tuple(int.from_bytes(data[at : at + side], "big") for at in (GRID.size, GRID.size + side))
    ids = grid.refers.get(b"dimg", [])
    if rows * columns > limits.tiles:
        raise too_large(f"{rows * columns} tiles")
    if len(data) != GRID.size + 2 * side or size != _size(grid):
        raise broken("AVIF with a grid of another size than it says")
    if len(ids) != rows * columns or len(set(ids)) != len(ids) or not all(id in coded for id in ids):
        raise broken("AVIF whose grid has not its tiles")
    tiles = {(coded[id].width, coded[id].height) for id in ids}
    for width, height in tiles:
        covers = (columns - 1) * width < size[0] <= columns * width and (rows - 1) * height < size[1] <= rows * height
        if len(tiles) > 1 or not covers:
            raise broken("AVIF whose tiles do not fit its grid")
    return ids


def _pixel_bytes(sequence: Sequence) -> int:
    return (OTHER_BYTES if sequence.profile else SUBSAMPLED_BYTES)[sequence.is_deep]
