"""The `meta` box of an AVIF or HEIC: its items, their kinds, and where their bytes are (ISO/IEC 23008-12)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from image_service.pixels.limits import broken
from image_service.pixels.structure.boxes import Fields, Tally, boxes_in

# Coded and tiled pictures, metadata, and tone maps for brighter screens, which the decoder ignores. No JPEG in this
# container. No overlays or other derived pictures: they may refer to each other in circles.
CODED = (b"av01", b"hvc1")
METADATA = (b"Exif", b"mime", b"uri ")
KINDS = (*CODED, b"grid", *METADATA, b"tmap")
IGNORED = (b"dinf", b"grpl", b"free", b"skip", b"uuid")
IN_FILE, IN_META = 0, 1  # base of an item's offsets


@dataclass
class Item:
    kind: bytes
    properties: list[tuple[bytes, memoryview]] = field(default_factory=list)
    refers: dict[bytes, list[int]] = field(default_factory=dict)  # by kind of reference: the ids of items
    where: int = IN_FILE
    extents: list[tuple[int, int]] = field(default_factory=list)  # offset and length

    @property
    def weight(self) -> int:
        """Size in bytes."""
        return sum(length for _, length in self.extents)

    def one_property(self, wanted: bytes) -> memoryview:
        found = [body for kind, body in self.properties if kind == wanted]
        if len(found) != 1:
            raise broken("HEIF whose picture has no size or coding, or two")
        return found[0]


@dataclass
class Items:
    primary: int = 0
    by_id: dict[int, Item] = field(default_factory=dict)
    data: memoryview = field(default_factory=lambda: memoryview(b""))  # stored in `meta` itself

    @property
    def furthest(self) -> int:
        """The offset in the file where the items' last byte ends."""
        lying = (item.extents for item in self.by_id.values() if item.where == IN_FILE)
        return max((offset + length for extents in lying for offset, length in extents), default=0)

    def get(self, id: int) -> Item:
        if id not in self.by_id:
            raise broken("HEIF that names an item which is not there")
        return self.by_id[id]


def read_items(meta: memoryview, tally: Tally) -> Items:
    """Read the items. Raises `Refused` unless they are pictures and their metadata."""
    fields = Fields(meta)
    fields.version_and_flags()
    found: dict[bytes, memoryview] = {}
    for kind, body in boxes_in(fields.rest, tally):
        if kind in IGNORED:
            continue
        if kind in found or kind not in (*READERS, b"idat"):
            raise broken("HEIF whose meta has an unknown box, or one twice")
        found[kind] = body
    items = Items(data=found.get(b"idat", memoryview(b"")))
    for kind, read in READERS.items():
        if kind in found:
            read(found[kind], items, tally)
    return items


def _handler(body: memoryview, items: Items, tally: Tally) -> None:
    if bytes(body[8:12]) != b"pict":
        raise broken("HEIF whose meta is not of pictures")


def _primary(body: memoryview, items: Items, tally: Tally) -> None:
    fields = Fields(body)
    version, _ = fields.version_and_flags()
    items.primary = fields.number(4 if version else 2)


def _kinds(body: memoryview, items: Items, tally: Tally) -> None:
    fields = Fields(body)
    version, _ = fields.version_and_flags()
    fields.number(4 if version else 2)  # their number, not needed: the boxes follow
    for kind, entry in boxes_in(fields.rest, tally):
        about = Fields(entry)
        version, _ = about.version_and_flags()
        if kind != b"infe" or version not in (2, 3):
            raise broken("HEIF with an unusual item")
        id = about.number(4 if version == 3 else 2)
        protection, item_kind = about.number(2), about.take(4)
        if id in items.by_id or protection or item_kind not in KINDS:
            raise broken("HEIF with an item twice, protected, or of another kind")
        if item_kind == b"mime":
            about.text()  # its name
            about.text()  # its type
            if about.text():
                raise broken("HEIF with compressed metadata")
        items.by_id[id] = Item(item_kind)


def _places(body: memoryview, items: Items, tally: Tally) -> None:
    fields = Fields(body)
    version, _ = fields.version_and_flags()
    sizes = fields.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 0x0F for shift in (12, 8, 4, 0))
    for _ in range(fields.number(4 if version == 2 else 2)):
        item = items.get(fields.number(4 if version == 2 else 2))
        where = fields.number(2) & 0x0F if version else IN_FILE
        if item.extents or where not in (IN_FILE, IN_META) or fields.number(2):
            raise broken("HEIF with an item in two places, in another item, or in another file")
        item.where = where
        base = fields.number(base_size)
        for _ in range(fields.number(2)):
            tally.count()
            if version:
                fields.number(index_size)
            offset, length = base + fields.number(offset_size), fields.number(length_size)
            if not length:
                raise broken("HEIF with an item of no length")
            item.extents.append((offset, length))


def _properties(body: memoryview, items: Items, tally: Tally) -> None:
    known: list[tuple[bytes, memoryview]] = []
    for kind, part in boxes_in(body, tally):
        if kind == b"ipco" and not known:
            known = list(boxes_in(part, tally))
        elif kind == b"ipma":
            _associations(part, items, known, tally)
        else:
            raise broken("HEIF with unusual properties")


def _associations(body: memoryview, items: Items, known: list[tuple[bytes, memoryview]], tally: Tally) -> None:
    fields = Fields(body)
    version, flags = fields.version_and_flags()
    for _ in range(fields.number(4)):
        tally.count()
        item = items.get(fields.number(4 if version else 2))
        for _ in range(fields.number(1)):
            tally.count()
            index = fields.number(2) & 0x7FFF if flags & 1 else fields.number(1) & 0x7F
            if index > len(known):
                raise broken("HEIF that names a property which is not there")
            if index:
                item.properties.append(known[index - 1])


def _references(body: memoryview, items: Items, tally: Tally) -> None:
    fields = Fields(body)
    version, _ = fields.version_and_flags()
    id_size = 4 if version else 2
    for kind, entry in boxes_in(fields.rest, tally):
        about = Fields(entry)
        item = items.get(about.number(id_size))
        count = about.number(2)
        tally.count(count)
        item.refers.setdefault(kind, []).extend(about.number(id_size) for _ in range(count))


# In order of dependence.
READERS: dict[bytes, Callable[[memoryview, Items, Tally], None]] = {
    b"hdlr": _handler,
    b"pitm": _primary,
    b"iinf": _kinds,
    b"iloc": _places,
    b"iprp": _properties,
    b"iref": _references,
}
