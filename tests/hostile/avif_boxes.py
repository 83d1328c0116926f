"""AVIFs made box by box, and the unit of AV1 that says how large a picture is."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace

BRANDS = (b"avif", b"mif1", b"miaf")
DECISIVE, ESSENTIAL = (b"av1C", b"hvcC", b"irot", b"imir"), 0x8000  # properties, and their mark: browsers want it
REDUCED_STILL = 0b11  # flags of a sequence header


def box(kind: bytes, *bodies: bytes) -> bytes:
    body = b"".join(bodies)
    return struct.pack(">I", len(body) + 8) + kind + body


def full(kind: bytes, *bodies: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *bodies)


def coded(data: bytes, box_of: bytes = b"av1C") -> tuple[bytes, bytes]:
    """Configuration and coded picture of a file by libavif or libheif with nothing else in it."""
    at = data.index(box_of)
    config = data[at + 4 : at - 4 + struct.unpack_from(">I", data, at - 4)[0]]
    return config, data[data.index(b"mdat") + 4 :]


@dataclass(frozen=True)
class Item:
    data: bytes
    kind: bytes = b"av01"
    properties: Sequence[bytes] = ()
    refers: Sequence[tuple[bytes, Sequence[int]]] = ()
    about: bytes = b""  # behind its name
    in_meta: bool = False
    elsewhere: int = 0  # data reference
    hidden: bool = False


def picture(width: int, height: int, part: tuple[bytes, bytes], *more: bytes, **options: object) -> Item:
    """A coded picture that the file says is so large."""
    config, data = part
    box_of = b"hvcC" if options.get("kind") == b"hvc1" else b"av1C"
    item = Item(data, properties=(ispe(width, height), box(box_of, config), *more))
    return replace(item, **options)  # type: ignore[arg-type]


def grid(rows: int, columns: int, width: int, height: int, tiles: Sequence[int]) -> Item:
    data = struct.pack(">BBBBII", 0, 1, rows - 1 & 255, columns - 1 & 255, width, height)
    return Item(data, b"grid", (ispe(width, height),), ((b"dimg", tiles),))


def ispe(width: int, height: int) -> bytes:
    return full(b"ispe", struct.pack(">II", width, height))


def avif(
    items: Sequence[Item],
    *,
    primary: int = 1,
    brands: Sequence[bytes] = BRANDS,
    extra: bytes = b"",
    open_end: bool = False,
) -> bytes:
    """A file of these items, whose ids are 1, 2, …; `extra` boxes go into `meta`."""
    head = box(b"ftyp", brands[0], bytes(4), *brands)
    length = len(_meta(items, primary, extra, 0))
    meta = _meta(items, primary, extra, len(head) + length + 8)
    data = b"".join(item.data for item in items if not item.in_meta)
    return head + meta + (bytes(4) + b"mdat" + data if open_end else box(b"mdat", data))


def _meta(items: Sequence[Item], primary: int, extra: bytes, start: int) -> bytes:
    properties: list[bytes] = []
    places, kinds, uses, references = b"", b"", b"", b""
    in_meta = b""
    for id, item in enumerate(items, start=1):
        kinds += full(
            b"infe", struct.pack(">HH", id, 0), item.kind, b"\0", item.about, version=2, flags=int(item.hidden)
        )
        offset = len(in_meta) if item.in_meta else start
        places += struct.pack(">HHHHII", id, int(item.in_meta), item.elsewhere, 1, offset, len(item.data))
        if item.in_meta:
            in_meta += item.data
        else:
            start += len(item.data)
        indexes = []
        for each in item.properties:
            if each not in properties:
                properties.append(each)
            indexes.append(properties.index(each) + 1 | (ESSENTIAL if each[4:8] in DECISIVE else 0))
        uses += struct.pack(f">HB{len(indexes)}H", id, len(indexes), *indexes)
        for kind, ids in item.refers:
            references += box(kind, struct.pack(f">HH{len(ids)}H", id, len(ids), *ids))
    return full(
        b"meta",
        full(b"hdlr", bytes(4), b"pict", bytes(13)),
        full(b"pitm", struct.pack(">H", primary)),
        full(b"iloc", struct.pack(">HH", 0x4400, len(items)), places, version=1),
        full(b"iinf", struct.pack(">H", len(items)), kinds),
        box(b"iprp", box(b"ipco", *properties), full(b"ipma", struct.pack(">I", len(items)), uses, flags=1)),
        full(b"iref", references) if references else b"",
        box(b"idat", in_meta) if in_meta else b"",
        extra,
    )


class Bits:
    def __init__(self) -> None:
        self._text = ""

    def put(self, value: int, count: int) -> "Bits":
        self._text += f"{value:0{count}b}"
        return self

    def bytes(self) -> bytes:
        text = self._text + "1"
        text += "0" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big")


def sequence(width: int, height: int) -> bytes:
    """A unit that says how large the picture is; 8 bits, 4:2:0."""
    bits = Bits().put(0, 3).put(REDUCED_STILL, 2).put(8, 5)
    bits.put(15, 4).put(15, 4).put(width - 1, 16).put(height - 1, 16).put(0, 3 + 3)
    body = bits.put(0, 1 + 1 + 1 + 1 + 2 + 1).bytes()
    return unit(1, body)


def unit(kind: int, body: bytes) -> bytes:
    size, count = b"", len(body)
    while count > 127:
        size += bytes([count & 127 | 128])
        count >>= 7
    return bytes([kind << 3 | 2]) + size + bytes([count]) + body
