"""AVIFs: lying sizes, floods of tiles and boxes, HEIC in disguise, data elsewhere, what trails."""

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace

from PIL import Image

from tests.hostile.avif_boxes import BRANDS, Item, avif, box, coded, full, grid, ispe, picture, sequence, unit
from tests.hostile.picture import HTML, Hostile, accept, archive, cut, either, encoded, noise, reject

GOOD = encoded("AVIF", size=(320, 240))
ALPHA = encoded("AVIF", "RGBA", (320, 240))


def flat(width: int, height: int, colour: str = "teal", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height), colour).save(buffer, "AVIF", speed=10, quality=30)
    return buffer.getvalue()


PART = coded(GOOD)
SMALL = coded(flat(64, 64))
TINY = coded(flat(16, 16))
ALPHA_OF = full(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
HEIC = (b"heic", b"mif1")


def tiled(rows: int, columns: int, side: int, part: tuple[bytes, bytes]) -> bytes:
    tiles = [picture(side, side, part, hidden=True)] * (rows * columns)
    ids = range(2, len(tiles) + 2)
    return avif([grid(rows, columns, side * columns, side * rows, ids), *tiles])


def sequenced() -> bytes:
    """An animation, as libavif writes it."""
    frames = [Image.new("RGB", (64, 48), colour) for colour in ("red", "lime", "blue")]
    buffer = io.BytesIO()
    frames[0].save(buffer, "AVIF", save_all=True, append_images=frames[1:], duration=100, speed=10)
    return buffer.getvalue()


def avifs() -> Iterator[Hostile]:
    yield accept("avif-good.avif", GOOD, "as libavif writes it")
    yield accept("avif-good-rewrapped.avif", avif([picture(320, 240, PART)]), "as we write it")
    yield accept("avif-good-alpha.avif", ALPHA, "with alpha")
    yield accept("avif-good-named.jpg", GOOD, "an AVIF named .jpg: the bytes decide")
    yield accept("avif-good-grid.avif", tiled(2, 3, 64, SMALL), "six tiles")
    yield accept("avif-good-mif1.avif", avif([picture(64, 64, SMALL)], brands=(b"mif1", b"avif")), "major brand mif1")
    still = sequenced().replace(b"avis", b"avif").replace(b"msf1", b"mif1").replace(b"moov", b"free")
    yield accept("avif-good-full-header.avif", still, "a frame whose headers are those of a film")
    yield from _bombs()
    yield from _lies()
    yield from _damage()
    yield from _strangers()
    yield from _cargo()
    yield from _tangles()


def _bombs() -> Iterator[Hostile]:
    yield accept("avif-edge-14mp.avif", flat(4000, 3500), "14 MP in 800 bytes")
    yield accept("avif-edge-12mp-alpha.avif", flat(4032, 3024, "#0088", "RGBA"), "12 MP with alpha")
    yield accept("avif-edge-128-tiles.avif", tiled(8, 16, 300, coded(flat(300, 300))), "128 tiles, 11.5 MP")
    big = flat(3900, 3900)
    yield reject("avif-bomb-15mp.avif", big, "15 MP: 270 MB, to be held whole")
    yield reject(
        "avif-bomb-65536-tiles.avif",
        avif([grid(256, 256, 16384, 16384, [2]), picture(64, 64, SMALL)]),
        "268 MP of tiles",
    )
    tiles = [picture(16, 16, TINY, hidden=True)] * 130
    many = avif([grid(10, 13, 208, 160, range(2, 132)), *tiles])
    yield reject("avif-bomb-130-tiles.avif", many, "130 tiles, each of which costs a decoder")
    one = picture(64, 64, SMALL, hidden=True)
    yield reject("avif-bomb-same-tile.avif", avif([grid(16, 16, 1024, 1024, [2] * 256), one]), "a tile 256 times")
    part = coded(big)
    four = [picture(3900, 3900, part, hidden=True)] * 4
    yield reject("avif-bomb-tiles-15mp.avif", avif([grid(2, 2, 7800, 7800, range(2, 6)), *four]), "61 MP of tiles")
    hidden = avif([grid(1, 1, 64, 64, [2]), picture(3900, 3900, part, hidden=True)])
    yield reject("avif-bomb-tile-beyond-grid.avif", hidden, "a tile of 15 MP, of which the grid shows 64x64")
    alpha = picture(3900, 3900, part, ALPHA_OF, refers=((b"auxl", (1,)),))
    yield reject("avif-bomb-alpha.avif", avif([picture(64, 64, SMALL), alpha]), "alpha of 15 MP on a small picture")
    part = coded(flat(3000, 3000))
    alphas = [picture(3000, 3000, part, ALPHA_OF, refers=((b"auxl", (1,)),))] * 5
    yield reject(
        "avif-bomb-5-alphas.avif", avif([picture(3000, 3000, part), *alphas]), "9 MP, and five times its alpha"
    )
    quarters = [picture(2000, 1500, coded(flat(2000, 1500)), hidden=True)] * 4
    over = replace(
        grid(2, 2, 4000, 3000, (2, 3, 4, 5)),
        properties=(ispe(4000, 3000), ALPHA_OF),
        refers=(
            (b"dimg", (2, 3, 4, 5)),
            (b"auxl", (6,)),
        ),
    )
    tiled_alpha = avif([over, *quarters, picture(64, 64, SMALL)], primary=6)
    yield reject("avif-bomb-tiled-alpha.avif", tiled_alpha, "alpha of 12 MP in tiles on a small picture")
    yield reject("avif-bomb-65536.avif", avif([picture(65536, 65536, (SMALL[0], sequence(65536, 65536)))]), "4 GP")
    lying = (SMALL[0], sequence(16384, 16384) + SMALL[1][2 + 12 :])
    yield reject("avif-bomb-stream-16384.avif", avif([picture(64, 64, lying)]), "64x64, but its data say 16384x16384")
    lying = (SMALL[0] + sequence(16384, 16384), SMALL[1])
    yield reject("avif-bomb-config-16384.avif", avif([picture(64, 64, lying)]), "the same in its configuration")
    frames = (SMALL[0], SMALL[1] + _frame_of(SMALL[1]) * 2000)
    yield reject("avif-bomb-2000-frames.avif", avif([picture(64, 64, frames)]), "2,000 frames, of which one is shown")
    padding = (SMALL[0], unit(15, b"") * 200_000 + SMALL[1])
    yield reject("avif-bomb-units.avif", avif([picture(64, 64, padding)]), "200,000 units of nothing")


def _frame_of(data: bytes) -> bytes:
    """The last of its units: libaom writes a delimiter, a sequence, a frame."""
    at = 0
    while at < len(data):
        kind, size = data[at] >> 3, data[at + 1]
        if kind == 6:
            return data[at : at + 2 + size]
        at += 2 + size
    raise ValueError("no frame")


def _lies() -> Iterator[Hostile]:
    yield reject("avif-lie-larger.avif", avif([picture(640, 480, PART)]), "a size twice that of its data")
    yield reject("avif-lie-smaller.avif", avif([picture(32, 24, PART)]), "a size a tenth of that of its data")
    yield reject("avif-dims-0.avif", avif([picture(0, 240, PART)]), "width 0")
    wrong = avif([replace(grid(1, 2, 128, 64, (2, 3)), properties=(ispe(64, 64),)), *[picture(64, 64, SMALL)] * 2])
    yield reject("avif-lie-grid.avif", wrong, "a grid of two sizes")
    uneven = [grid(1, 2, 128, 64, (2, 3)), picture(64, 64, SMALL), picture(320, 240, PART)]
    yield reject("avif-lie-tiles.avif", avif(uneven), "tiles of two sizes")
    missing = [grid(2, 2, 128, 128, (2, 3)), *[picture(64, 64, SMALL)] * 2]
    yield reject("avif-lie-missing-tiles.avif", avif(missing), "two tiles of four")
    yield reject("avif-grid-of-grids.avif", avif([grid(1, 1, 64, 64, (2,)), grid(1, 1, 64, 64, (1,))]), "in a circle")
    yield reject("avif-no-primary.avif", avif([picture(64, 64, SMALL)], primary=9), "a primary item that is not there")
    text = Item(HTML, b"mime", about=b"text/html\0")
    yield reject("avif-primary-html.avif", avif([text]), "a primary item that is HTML")
    yield reject("avif-no-size.avif", avif([Item(SMALL[1], properties=(box(b"av1C", SMALL[0]),))]), "no size")
    yield reject("avif-two-sizes.avif", avif([picture(64, 64, SMALL, ispe(32, 32))]), "two sizes")


def _damage() -> Iterator[Hostile]:
    yield reject("avif-trunc-half.avif", GOOD[: len(GOOD) // 2], "cut")
    yield reject("avif-trunc-99.avif", GOOD[:-30], "last 30 bytes gone")
    yield reject("avif-trunc-meta.avif", GOOD[:100], "cut in its list of items")
    yield reject("avif-head-only.avif", GOOD[:32], "brands and nothing else")
    yield either("avif-garbage.avif", avif([picture(320, 240, (PART[0], PART[1][:60] + noise(9000)))]), "garbage")
    yield reject("avif-no-data.avif", avif([picture(320, 240, (PART[0], PART[1][:40]))]), "its first 40 bytes alone")
    yield reject("avif-noise.avif", avif([picture(64, 64, (SMALL[0], noise(500)))]), "noise as AV1")
    yield reject("avif-box-4gb.avif", GOOD.replace(struct.pack(">I", 33) + b"hdlr", b"\xff\xff\xff\xffhdlr"), "4 GB")
    yield reject("avif-no-meta.avif", box(b"ftyp", b"avif", bytes(4), *BRANDS) + box(b"mdat", PART[1]), "no list")


def _strangers() -> Iterator[Hostile]:
    heic = avif([picture(64, 64, SMALL, kind=b"hvc1")], brands=HEIC)
    yield reject("heic.heic", heic, "HEIC")
    both = avif([picture(64, 64, SMALL, kind=b"hvc1")], brands=(b"avif", b"heic", b"mif1"))
    yield reject("heic-avif-brands.avif", both, "HEIC that says that it is AVIF too")
    for kind in (b"hvc1", b"jpeg", b"unci", b"j2k1", b"avc1", b"iovl", b"iden"):
        other = avif([picture(64, 64, SMALL, kind=kind)])
        yield reject(f"avif-of-{kind.decode()}.avif", other, "another coding, or a derived picture, in AVIF's clothes")
    tile = [grid(1, 1, 64, 64, (2,)), picture(64, 64, SMALL, kind=b"hvc1", hidden=True)]
    yield reject("avif-hevc-tile.avif", avif(tile), "a tile of HEVC")
    yield reject("avif-sequence.avif", sequenced(), "an animation")
    yield reject(
        "avif-moov.avif",
        sequenced().replace(b"avis", b"avif").replace(b"msf1", b"mif1"),
        "an animation that does not say so",
    )
    yield reject("mp4.avif", box(b"ftyp", b"isom", bytes(4), b"isomavc1") + box(b"mdat", noise(500)), "a film")
    yield reject("avif-elsewhere.avif", avif([picture(64, 64, SMALL, elsewhere=1)]), "data in another file")
    link = box(b"dinf", full(b"dref", struct.pack(">I", 1), full(b"url ", b"file:///etc/passwd\0")))
    yield reject("avif-link.avif", avif([picture(64, 64, SMALL, elsewhere=1)], extra=link), "a link to a file")


def _cargo() -> Iterator[Hostile]:
    yield cut("avif-tail-zip.avif", GOOD, archive(), "also a ZIP")
    yield cut("avif-tail-html.avif", GOOD, HTML, "HTML behind it")
    yield cut("avif-tail-nul.avif", GOOD, bytes(1000), "zeros behind it")
    yield cut("avif-tail-avif.avif", GOOD, GOOD, "a second AVIF behind it")
    yield cut("avif-tail-box.avif", GOOD, box(b"uuid", HTML), "an unknown box behind it")
    yield cut("avif-tail-open.avif", avif([picture(64, 64, SMALL)], open_end=True), HTML, "a last box without a length")
    xmp = Item(HTML, b"mime", refers=((b"cdsc", (1,)),), about=b"application/rdf+xml\0")
    yield accept("avif-xmp-html.avif", avif([picture(64, 64, SMALL), xmp]), "HTML as XMP")
    packed = replace(xmp, data=zlib.compress(bytes(50_000_000), 9), about=xmp.about + b"deflate\0")
    yield reject("avif-xmp-deflated.avif", avif([picture(64, 64, SMALL), packed]), "XMP that inflates to 50 MB")
    exif = Item(bytes(4) + noise(5000), b"Exif", refers=((b"cdsc", (1,)),))
    yield accept("avif-exif-garbage.avif", avif([picture(64, 64, SMALL), exif]), "garbage as EXIF")
    profile = box(b"colr", b"prof", noise(5000))
    yield accept("avif-icc-garbage.avif", avif([picture(64, 64, SMALL, profile)]), "garbage as ICC")


def _tangles() -> Iterator[Hostile]:
    free = box(b"free") * 200_000
    yield reject("avif-boxes-200k.avif", GOOD[:32] + free + GOOD[32:], "200,000 empty boxes")
    yield reject("avif-meta-boxes-200k.avif", avif([picture(64, 64, SMALL)], extra=free), "the same in its list")
    nested = b""
    for _ in range(5_000):
        nested = full(b"meta", nested)
    yield reject("avif-nested.avif", GOOD[:32] + nested + GOOD[32:], "5,000 boxes in each other")
    yield reject("avif-two-metas.avif", avif([picture(64, 64, SMALL)], extra=full(b"pitm", b"\0\1")), "two primaries")
    noted = [Item(b"x", b"Exif")] * 60
    yield reject("avif-60-exif.avif", avif([picture(64, 64, SMALL), *noted]), "60 times EXIF")
    shared = avif([picture(320, 240, PART), *[Item(PART[1], b"Exif", in_meta=True)] * 2])
    yield accept("avif-cargo-exif.avif", shared, "EXIF of 17 kB, twice, in the list itself")
    overlapping = _overlapping()
    yield reject("avif-shared-bytes.avif", overlapping, "40 items of the same 17 kB")


def _overlapping() -> bytes:
    """Items whose bytes are all the first one's."""
    data = bytearray(avif([picture(320, 240, PART), *[Item(PART[1], b"Exif")] * 40]))
    at = data.index(b"iloc") + 12  # of the first entry, of 16 bytes
    for number in range(41):
        entry = at + 16 * number
        data[entry + 8 : entry + 12] = data[at + 8 : at + 12]
    end = data.index(b"mdat") + 4 + len(PART[1])
    struct.pack_into(">I", data, data.index(b"mdat") - 4, len(PART[1]) + 8)
    return bytes(data[:end])
