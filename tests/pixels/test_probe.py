import base64
from io import BytesIO
from pathlib import Path

import pytest
import thumbhash
from PIL import Image

from image_service.errors import Refusal
from image_service.pixels.limits import Refused
from image_service.pixels.picture import Format
from image_service.pixels.pool.failures import ProbeFailed
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import (
    RED,
    alike,
    animation,
    chunk,
    corners,
    encoded,
    oriented_jpeg,
    png,
    quadrants,
    swapped_profile,
)  # fmt: skip


def corners_of_thumb(text: str) -> list[tuple[int, ...]]:
    width, height, rgba = thumbhash.thumb_hash_to_rgba(base64.b64decode(text))
    return corners(Image.frombytes("RGBA", (width, height), rgba))


@pytest.mark.parametrize("orientation", range(1, 9))
async def test_size_and_thumb_are_upright(pool: PixelPool, tmp_path: Path, orientation: int) -> None:
    probe = await pool.probe(oriented_jpeg(tmp_path / "a", orientation), wait=WAIT)
    assert (probe.format, probe.width, probe.height, probe.frames) == (Format.JPG, 120, 80, 1)
    red, green, blue, white = corners_of_thumb(probe.thumbhash)
    assert red[0] > max(red[1:])
    assert green[1] > max(green[0], green[2])
    assert blue[2] > max(blue[:2])
    assert min(white) > 150


async def test_an_orientation_that_does_not_exist_turns_nothing(pool: PixelPool, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    quadrants().save(tmp_path / "a", "JPEG", exif=exif)
    probe = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (probe.width, probe.height) == (120, 80)


async def test_an_animated_gif(pool: PixelPool, tmp_path: Path) -> None:
    path = animation(tmp_path / "a", frames=4)
    probe = await pool.probe(path, wait=WAIT)
    assert (probe.format, probe.width, probe.height, probe.frames) == (Format.GIF, 60, 40, 4)
    assert all(alike(corner, RED, 40) for corner in corners_of_thumb(probe.thumbhash))


async def test_the_thumb_of_a_transparent_picture_knows_its_alpha(pool: PixelPool, tmp_path: Path) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 0))
    image.paste((255, 0, 0, 255), (16, 16, 48, 48))
    image.save(tmp_path / "a", "PNG")
    probe = await pool.probe(tmp_path / "a", wait=WAIT)
    red, green, blue, alpha = thumbhash.thumb_hash_to_average_rgba(base64.b64decode(probe.thumbhash))
    assert 0.1 < alpha < 0.5
    assert red > 0.9
    assert max(green, blue) < 0.1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF"])
async def test_what_trails_is_told_and_left(pool: PixelPool, tmp_path: Path, format: str) -> None:
    data = encoded(quadrants(), format)
    path = tmp_path / "a"
    path.write_bytes(data + b"PK\x03\x04 something else")
    probe = await pool.probe(path, wait=WAIT)
    assert probe.end == len(data)
    assert path.read_bytes() == data + b"PK\x03\x04 something else"


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
async def test_a_cut_file_is_refused(pool: PixelPool, tmp_path: Path, format: str, share: float) -> None:
    data = encoded(Image.effect_noise((200, 150), 80), format)
    (tmp_path / "a").write_bytes(data[: int(len(data) * share)])
    with pytest.raises(Refused) as caught:
        await pool.probe(tmp_path / "a", wait=WAIT)
    assert caught.value.refusal is Refusal.CUT_SHORT


async def test_an_end_put_in_the_middle_of_a_jpeg_is_seen(pool: PixelPool, tmp_path: Path) -> None:
    data = encoded(Image.effect_noise((200, 150), 80), "JPEG")
    scan = data.index(b"\xff\xda") + 500
    (tmp_path / "a").write_bytes(data[:scan] + b"\xff\xd9" + data[scan:])
    with pytest.raises(Refused):
        await pool.probe(tmp_path / "a", wait=WAIT)


@pytest.mark.parametrize("subsampling", [0, 2])  # blocks of 8 rows, of 16
@pytest.mark.parametrize("height", [*range(193, 209), *range(1201, 1217)])
async def test_bytes_that_are_missing_at_the_end_of_a_jpeg(
    pool: PixelPool, tmp_path: Path, height: int, subsampling: int
) -> None:
    out = BytesIO()
    Image.effect_noise((320, height), 80).convert("RGB").save(out, "JPEG", quality=85, subsampling=subsampling)
    data = out.getvalue()
    (tmp_path / "whole").write_bytes(data)
    assert (await pool.probe(tmp_path / "whole", wait=WAIT)).height == height
    for missing in (3, 30):  # of the last block's rows
        (tmp_path / "cut").write_bytes(data[: -2 - missing] + b"\xff\xd9")
        with pytest.raises(Refused):
            await pool.probe(tmp_path / "cut", wait=WAIT)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("side", [40, 640])
async def test_the_thumb_of_a_jpeg_has_its_colours(pool: PixelPool, tmp_path: Path, mode: str, side: int) -> None:
    Image.new("RGB", (side, side), (200, 100, 50)).convert(mode).save(tmp_path / "a", "JPEG", quality=95)
    probe = await pool.probe(tmp_path / "a", wait=WAIT)
    red, green, blue, alpha = thumbhash.thumb_hash_to_average_rgba(base64.b64decode(probe.thumbhash))
    expected = (125, 125, 125) if mode == "L" else (200, 100, 50)
    assert alike((round(255 * red), round(255 * green), round(255 * blue)), expected, 30)
    assert alpha == 1


async def test_the_thumb_of_a_jpeg_is_seen_through_its_profile(pool: PixelPool, tmp_path: Path) -> None:
    Image.new("RGB", (640, 480), (0, 200, 0)).save(tmp_path / "a", "JPEG", quality=95, icc_profile=swapped_profile())
    probe = await pool.probe(tmp_path / "a", wait=WAIT)
    red, green, blue, _ = thumbhash.thumb_hash_to_average_rgba(base64.b64decode(probe.thumbhash))
    assert red > max(green, blue) + 0.5


async def test_stray_bytes_before_a_jpegs_end_are_ordinary(pool: PixelPool, tmp_path: Path) -> None:
    data = encoded(quadrants(), "JPEG")
    (tmp_path / "a").write_bytes(data[:-2] + b"\x12\x34\x56" + data[-2:])
    assert (await pool.probe(tmp_path / "a", wait=WAIT)).width == 120


async def test_stray_bytes_do_not_excuse_missing_pixels(pool: PixelPool, tmp_path: Path) -> None:
    data = encoded(Image.effect_noise((200, 150), 80), "JPEG")
    (tmp_path / "a").write_bytes(data[: len(data) // 2] + b"\x12\x34\x56" + b"\xff\xd9")
    with pytest.raises(Refused):
        await pool.probe(tmp_path / "a", wait=WAIT)


async def test_a_bomb_is_refused_before_it_is_decoded(pool: PixelPool, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(png(16_000, 16_000))
    with pytest.raises(Refused) as caught:
        await pool.probe(tmp_path / "a", wait=WAIT)
    assert caught.value.refusal is Refusal.TOO_MANY_PIXELS


async def test_the_largest_that_is_allowed(pool: PixelPool, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(png(16_384, 3_050))
    probe = await pool.probe(tmp_path / "a", wait=WAIT)
    assert (probe.width, probe.height) == (16_384, 3_050)


async def test_a_profile_that_is_none_does_no_harm(pool: PixelPool, tmp_path: Path) -> None:
    quadrants().save(tmp_path / "a", "JPEG", icc_profile=b"not a profile" * 50)
    assert (await pool.probe(tmp_path / "a", wait=WAIT)).width == 120


@pytest.mark.parametrize("kind", [b"eXIf", b"tEXt"])
async def test_metadata_that_is_none_does_no_harm(pool: PixelPool, tmp_path: Path, kind: bytes) -> None:
    (tmp_path / "a").write_bytes(png(8, 8, chunk(kind, b"MM\0*\0\0\xff\xff garbage")))
    assert (await pool.probe(tmp_path / "a", wait=WAIT)).width == 8


async def test_a_file_that_cannot_be_read_is_no_fault_of_the_picture(pool: PixelPool, tmp_path: Path) -> None:
    with pytest.raises(ProbeFailed):
        await pool.probe(tmp_path / "none", wait=WAIT)
    with pytest.raises(ProbeFailed):
        await pool.probe(tmp_path, wait=WAIT)
