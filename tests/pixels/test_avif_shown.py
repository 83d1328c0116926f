"""What an AVIF's decoder leaves undone: as Chromium shows it."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.hostile.avif import ALPHA_OF
from tests.hostile.avif_boxes import avif, box, coded, grid, picture
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, encoded, pixel, quadrants
from tests.pixels.shown import Shown

WIDTH, HEIGHT = 128, 64
SHARP = {"quality": 100, "subsampling": "4:4:4"}
Part = tuple[bytes, bytes]


def colour(image: Image.Image) -> Part:
    return coded(encoded(image, "AVIF", **SHARP))


def grey(image: Image.Image) -> Part:
    """Without colour samples: Pillow codes an alpha so."""
    whole = Image.new("RGB", image.size)
    whole.putalpha(image)
    data = encoded(whole, "AVIF", **SHARP)
    iloc = data.index(b"iloc") + 4
    offset, length = struct.unpack_from(">II", data, iloc + 8 + 14 + 6)
    last = data.rindex(b"av1C")
    return data[last + 4 : last + 8], data[offset : offset + length]


def renumbered(part: Part, primaries: int, curve: int) -> Part:
    """With other numbers in the sequence header, where Pillow writes 1, 13 and 6."""
    config, data = part
    size = 24
    head = f"{int.from_bytes(data[:size]):0{8 * size}b}"
    old, new = (f"{a:08b}{b:08b}{6:08b}" for a, b in ((1, 13), (primaries, curve)))
    assert head.count(old) == 1
    return config, int(head.replace(old, new), 2).to_bytes(size) + data[size:]


def nclx(primaries: int, curve: int, matrix: int = 6, *, is_full: bool = True) -> bytes:
    return box(b"colr", b"nclx", struct.pack(">HHHB", primaries, curve, matrix, is_full << 7))


def turns(angle: int, axis: int | None) -> list[bytes]:
    return [box(b"irot", bytes([angle])), *([box(b"imir", bytes([axis]))] if axis is not None else [])]


COLOURS = quadrants(WIDTH, HEIGHT)
HOLE = Image.new("L", COLOURS.size, 255)
HOLE.paste(0, (0, 0, WIDTH // 2, HEIGHT // 2))
PART, ALPHA = colour(COLOURS), grey(HOLE)
NARROW = coded(encoded(COLOURS, "AVIF", range="limited", **SHARP))
GREYS = Image.linear_gradient("L").resize(COLOURS.size)


def with_alpha(*more: bytes, part: Part = PART, alpha: Part = ALPHA, is_premultiplied: bool = False) -> bytes:
    refers = [(b"prem", [2])] if is_premultiplied else []
    return avif(
        [
            picture(WIDTH, HEIGHT, part, nclx(1, 13), *more, refers=refers),
            picture(WIDTH, HEIGHT, alpha, ALPHA_OF, refers=[(b"auxl", [1])]),
        ]
    )


def tiled(*more: bytes, on_tiles: bool) -> bytes:
    parts = [colour(COLOURS.crop((left, 0, left + WIDTH // 2, HEIGHT))) for left in (0, WIDTH // 2)]
    tiles = [picture(WIDTH // 2, HEIGHT, part, *(more * on_tiles), hidden=True) for part in parts]
    whole = grid(1, 2, WIDTH, HEIGHT, [2, 3])
    whole = type(whole)(whole.data, whole.kind, (*whole.properties, nclx(1, 13), *more), whole.refers)
    return avif([whole, *tiles])


def half_clear() -> bytes:
    """White of half its opacity, premultiplied."""
    half = Image.new("L", COLOURS.size, 128)
    return with_alpha(
        part=colour(Image.new("RGB", COLOURS.size, (128, 128, 128))), alpha=grey(half), is_premultiplied=True
    )


TURNS = [(angle, axis) for angle in range(4) for axis in (None, 0, 1)]
AVIFS = {
    **{f"alpha, turned {angle} {axis}": with_alpha(*turns(angle, axis)) for angle, axis in TURNS},
    **{f"tiles, turned {angle} {axis}": tiled(*turns(angle, axis), on_tiles=True) for angle, axis in TURNS},
    "grid, turned": tiled(*turns(1, None), on_tiles=False),
    "premultiplied": half_clear(),
    "grey of limited range": avif([picture(WIDTH, HEIGHT, grey(GREYS), nclx(1, 13, is_full=False))]),
    "grey of full range": avif([picture(WIDTH, HEIGHT, grey(GREYS), nclx(1, 13))]),
    "full range beside unspecified numbers": avif([picture(WIDTH, HEIGHT, NARROW, nclx(2, 2, 2))]),
    "limited range beside unspecified numbers": avif([picture(WIDTH, HEIGHT, NARROW, nclx(2, 2, 2, is_full=False))]),
    "Display P3 in the sequence header": avif([picture(WIDTH, HEIGHT, renumbered(PART, 12, 13))]),
    "linear in the sequence header": avif([picture(WIDTH, HEIGHT, renumbered(colour(GREYS.convert("RGB")), 1, 8))]),
    "a sequence header that is overruled": avif([picture(WIDTH, HEIGHT, renumbered(PART, 12, 8), nclx(1, 13))]),
    "a matrix by primaries": avif([picture(WIDTH, HEIGHT, PART, nclx(12, 8, 12))]),
    "SMPTE 240M": avif([picture(WIDTH, HEIGHT, colour(GREYS.convert("RGB")), nclx(1, 7))]),
    "SMPTE 428": avif([picture(WIDTH, HEIGHT, colour(GREYS.convert("RGB")), nclx(1, 17))]),
}


def seen(image: Image.Image) -> list[tuple[int, ...]]:
    rgba = image.convert("RGBA")
    width, height = rgba.size
    points = [(x, y) for x in (width // 8, width * 7 // 8) for y in (height // 8, height // 3, height * 7 // 8)]
    return [each if each[3] else (0, 0, 0, 0) for each in (pixel(rgba, *point) for point in points)]


@pytest.mark.parametrize("name", AVIFS)
async def test_as_in_chromium(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data = AVIFS[name]
    wanted = await chromium.picture(data, Format.AVIF)
    (tmp_path / "a").write_bytes(data)
    probe = await pool.probe(tmp_path / "a", wait=WAIT, formats=tuple(Format))
    assert (probe.width, probe.height) == wanted.size
    for scale in (1, 2):
        size = (probe.width // scale, probe.height // scale)
        await pool.render(tmp_path / "a", tmp_path / "b", Rendering(Format.AVIF, Format.PNG, *size, 1), wait=WAIT)
        with Image.open(tmp_path / "b") as image:
            assert image.size == size
            found = seen(image)
            assert all(map(alike, found, seen(wanted))), (found, seen(wanted))


@pytest.mark.parametrize("curve", [9, 10, 11, 12])
@pytest.mark.parametrize("is_coded", [False, True])
async def test_a_curve_that_no_browser_shows(pool: PixelPool, tmp_path: Path, curve: int, is_coded: bool) -> None:
    part = renumbered(PART, 1, curve) if is_coded else PART
    (tmp_path / "a").write_bytes(avif([picture(WIDTH, HEIGHT, part, *([] if is_coded else [nclx(1, curve)]))]))
    with pytest.raises(Refused) as error:
        await pool.probe(tmp_path / "a", wait=WAIT, formats=tuple(Format))
    assert error.value.refusal is Refusal.DAMAGED
