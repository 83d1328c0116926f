"""An animated PNG moves as it does in a browser, whatever its frames leave behind, and no hidden picture is seen."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import Probe, Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from image_service.pixels.structure.walk import read_structure
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, chunk, pixel
from tests.pixels.shown import Shown

SIDE = 40  # pixels of the canvas
RED, GREEN, BLUE, GLASS, NOTHING = (200, 0, 0, 255), (0, 160, 0, 255), (0, 0, 255, 255), (0, 0, 255, 128), (0, 0, 0, 0)
STAYS, CLEARED, RESTORED = 0, 1, 2
REPLACES, BLENDS = 0, 1
WHOLE = (0, 0, SIDE, SIDE)
Frame = tuple[int, int, int, int, int, int, tuple[int, ...]]  # left, top, width, height, disposal, blend, colour

CASES: dict[str, list[Frame]] = {
    "three colours": [(*WHOLE, STAYS, REPLACES, each) for each in (RED, GREEN, BLUE)],
    "a part": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, STAYS, REPLACES, BLUE)],
    "glass over it": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, STAYS, BLENDS, GLASS)],
    "glass in its place": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, STAYS, REPLACES, GLASS)],
    "a hole": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, STAYS, REPLACES, NOTHING)],
    "nothing over it": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, STAYS, BLENDS, NOTHING)],
    "cleared": [(*WHOLE, STAYS, REPLACES, RED), (0, 0, 20, 20, CLEARED, REPLACES, BLUE), (26, 26, 14, 14, 0, 1, GREEN)],
    "restored": [
        (*WHOLE, STAYS, REPLACES, RED),
        (0, 0, 20, 20, RESTORED, REPLACES, BLUE),
        (26, 26, 14, 14, 0, 1, GREEN),
    ],
    "the first one restored": [(*WHOLE, RESTORED, REPLACES, RED), (0, 0, 20, 20, STAYS, BLENDS, BLUE)],
    "the same twice": [(*WHOLE, STAYS, REPLACES, RED), (*WHOLE, STAYS, REPLACES, RED)],
}


def apng(frames: list[Frame], *, hidden: tuple[int, ...] | None = None, declared: int = 0, plays: int = 3) -> bytes:
    """In RGBA; with a first picture that is no frame where it is `hidden`."""
    sequence = 0
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0))]
    parts.append(chunk(b"acTL", struct.pack(">II", declared or len(frames), plays)))
    if hidden:
        parts.append(chunk(b"IDAT", rows(SIDE, SIDE, hidden)))
    for number, (left, top, width, height, disposal, blend, colour) in enumerate(frames):
        control = (sequence, width, height, left, top, 100 * (number + 1), 1000, disposal, blend)
        parts.append(chunk(b"fcTL", struct.pack(">IIIIIHHBB", *control)))
        sequence += 1
        if number or hidden:
            parts.append(chunk(b"fdAT", struct.pack(">I", sequence) + rows(width, height, colour)))
            sequence += 1
        else:
            parts.append(chunk(b"IDAT", rows(width, height, colour)))
    return b"".join([*parts, chunk(b"IEND", b"")])


def rows(width: int, height: int, colour: tuple[int, ...]) -> bytes:
    return zlib.compress((b"\0" + bytes(colour) * width) * height)


def points(image: Image.Image) -> list[tuple[int, ...]]:
    rgba = image.convert("RGBA")
    seen = (pixel(rgba, x, y) for x in (3, 16, 23, 33) for y in (3, 16, 23, 33))
    return [each if each[3] else NOTHING for each in seen]


async def variant(pool: PixelPool, folder: Path, data: bytes, format: Format, side: int = SIDE) -> tuple[Probe, bytes]:
    (folder / "a").write_bytes(data)
    found = await pool.probe(folder / "a", wait=WAIT)
    rendering = Rendering(Format.PNG, format, side, side, found.frames)
    await pool.render(folder / "a", folder / "b", rendering, wait=WAIT)
    return found, (folder / "b").read_bytes()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP])
@pytest.mark.parametrize("hidden", [None, (255, 0, 255, 255)])
async def test_as_in_a_browser(
    pool: PixelPool, chromium: Shown, tmp_path: Path, name: str, format: Format, hidden: tuple[int, ...] | None
) -> None:
    data = apng(CASES[name], hidden=hidden)
    found, drawn = await variant(pool, tmp_path, data, format)
    assert (found.format, found.frames, found.end) == (Format.PNG, len(CASES[name]), len(data))
    tolerance = 24 if format is Format.WEBP else 2
    most = (await chromium.frame(drawn, format)).info["frames"]  # WebP's encoder leaves out one that changes nothing
    for frame in range(found.frames):
        wanted = points(await chromium.frame(data, Format.PNG, frame))
        seen = points(await chromium.frame(drawn, format, min(frame, most - 1)))
        assert all(alike(one, other, tolerance) for one, other in zip(seen, wanted, strict=True)), (frame, seen, wanted)


@pytest.mark.parametrize("format", [Format.PNG, Format.WEBP])
async def test_it_keeps_its_time(pool: PixelPool, tmp_path: Path, format: Format) -> None:
    _, drawn = await variant(pool, tmp_path, apng(CASES["three colours"]), format, 20)
    image = Image.open(BytesIO(drawn))
    assert (image.size, image.info["loop"]) == ((20, 20), 3)
    durations = []
    for frame in range(3):
        image.seek(frame)
        image.load()
        durations.append(image.info["duration"])
    assert durations == [100, 200, 300]


async def test_a_still_of_it_is_its_first_frame(pool: PixelPool, tmp_path: Path) -> None:
    data = apng([(10, 10, 20, 20, STAYS, REPLACES, GREEN), (*WHOLE, STAYS, REPLACES, BLUE)], hidden=RED)
    for side in (SIDE, 20):
        _, drawn = await variant(pool, tmp_path, data, Format.JPG, side)
        image = Image.open(BytesIO(drawn)).convert("RGB")
        assert alike(pixel(image, 1, 1), (255, 255, 255), tolerance=20)  # four pixels from green, in a JPEG
        assert alike(pixel(image, side // 2, side // 2), GREEN[:3])


async def test_one_frame_behind_a_hidden_picture(pool: PixelPool, tmp_path: Path) -> None:
    found, drawn = await variant(pool, tmp_path, apng([(*WHOLE, STAYS, REPLACES, GREEN)], hidden=RED), Format.PNG)
    assert found.frames == 1
    assert pixel(Image.open(BytesIO(drawn)).convert("RGBA"), 5, 5) == GREEN


@pytest.mark.parametrize("hidden", [None, (255, 0, 255, 255)])
async def test_frames_before_what_breaks_the_rules(
    pool: PixelPool, chromium: Shown, tmp_path: Path, hidden: tuple[int, ...] | None
) -> None:
    three = CASES["three colours"]
    outside = apng([*three[:2], (30, 30, 20, 20, STAYS, REPLACES, BLUE)], hidden=hidden)
    for data in (outside, apng(three, hidden=hidden, declared=4), apng(three, hidden=hidden, declared=2)):
        found, drawn = await variant(pool, tmp_path, data, Format.PNG)
        wanted = await chromium.frame(data, Format.PNG)
        assert found.frames == wanted.info["frames"]
        assert pixel(Image.open(BytesIO(drawn)).convert("RGBA"), 5, 5) == pixel(wanted, 5, 5) == RED


async def test_what_never_was_an_animation(pool: PixelPool, tmp_path: Path) -> None:
    found, drawn = await variant(
        pool, tmp_path, apng([(*WHOLE, 0, 0, BLUE)], hidden=RED, declared=0)[:33] + rest(), Format.PNG
    )
    assert found.frames == 1
    assert pixel(Image.open(BytesIO(drawn)).convert("RGBA"), 5, 5) == RED


def rest() -> bytes:
    """Behind IHDR: an animation of no frames."""
    return chunk(b"acTL", bytes(8)) + chunk(b"IDAT", rows(SIDE, SIDE, RED)) + chunk(b"IEND", b"")


def test_a_cut_one_is_refused() -> None:
    data = apng(CASES["three colours"])
    last = data.rindex(b"fcTL")
    for length in (last - 4, last + 10, len(data) - 30):
        with pytest.raises(Refused) as refused:
            read_structure(data[:length], Limits())
        assert refused.value.refusal is Refusal.CUT_SHORT


async def test_damage_to_a_later_frame_is_found(pool: PixelPool, tmp_path: Path) -> None:
    data = apng(CASES["three colours"])
    good = rows(SIDE, SIDE, BLUE)
    bad = good[:12] + bytes([good[12] ^ 0xFF]) + good[13:]
    at = data.rindex(b"fdAT") - 4
    sequence = data[at + 8 : at + 12]
    (tmp_path / "a").write_bytes(data[:at] + chunk(b"fdAT", sequence + bad) + chunk(b"IEND", b""))
    with pytest.raises(Refused):
        await pool.probe(tmp_path / "a", wait=WAIT)


def test_frames_count_as_pixels() -> None:
    with pytest.raises(Refused) as refused:
        read_structure(apng(CASES["three colours"]), Limits(all_pixels=SIDE * SIDE * 2))
    assert refused.value.refusal is Refusal.TOO_MANY_PIXELS
    with pytest.raises(Refused) as refused:
        read_structure(apng(CASES["three colours"]), Limits(frames=2))
    assert refused.value.refusal is Refusal.TOO_MANY_PIXELS
