"""PNGs of every colour type and depth: all variants have the right values, in every size."""

import asyncio
import struct
import zlib

import httpx
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tests.api.pictures import decoded, uploaded
from tests.pixels.pictures import chunk
from tests.shop import path

WIDTH, HEIGHT = 210, 150
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6  # colour types
DEPTHS = {GREY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGBA: (8, 16)}
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
CLEAR = [colour_type for colour_type in DEPTHS if colour_type < GREY_ALPHA]  # may have a transparent colour
KINDS = [
    (colour_type, depth, has_clear)
    for colour_type, depths in DEPTHS.items()
    for depth in depths
    for has_clear in (False, True)[: 1 + (colour_type in CLEAR)]
]
MEAN = 6  # of 255, from another resize; 16 greys alone differ by 4
SMALL = (14, 10)  # a lossy format's colours are compared in this size: thin lines are blurred
LOSSY_MEAN = 8


def plane(number: int, most: int) -> Image.Image:
    """Samples from 0 to `most`: bands of every value, and thin lines."""
    image = Image.new("L", (WIDTH, HEIGHT), most)
    draw = ImageDraw.Draw(image)
    for x in range(WIDTH):
        draw.line((x, 0, x, HEIGHT // 2), fill=x * (most + 1) // WIDTH ^ number & most)
    for step in range(0, 64, 8):
        draw.ellipse((step, step, WIDTH - step, HEIGHT - step), outline=step % 3 * most // 2)
    return image


def rows_of(planes: list[Image.Image], depth: int) -> bytes:
    """Code the samples in `depth` bits, without a filter."""
    samples = [each.tobytes() for each in planes]
    rows = []
    for at in range(0, WIDTH * HEIGHT, WIDTH):
        row = [value for pixel in zip(*(each[at : at + WIDTH] for each in samples), strict=True) for value in pixel]
        bits = "".join(f"{value:08b}" * 2 if depth == 16 else f"{value:0{depth}b}" for value in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(b"\0" + int(bits, 2).to_bytes(len(bits) // 8))
    return b"".join(rows)


def made(colour_type: int, depth: int, has_clear: bool) -> tuple[bytes, Image.Image]:
    """Return a PNG, and what it shows in RGBA. Sample 0 is the transparent one."""
    most = 2 ** min(depth, 8) - 1
    planes = [plane(number, most) for number in range(CHANNELS[colour_type])]
    alpha = planes[-1].point([0] + [255] * 255) if has_clear else Image.new("L", (WIDTH, HEIGHT), 255)
    chunks = b""
    if colour_type == PALETTE:
        palette = [
            (90 + index * 150 // most, 220 - index * 90 // most, index * 90 // most) for index in range(most + 1)
        ]
        chunks = chunk(b"PLTE", bytes(value for colour in palette for value in colour))
        chunks += chunk(b"tRNS", b"\0") if has_clear else b""
        bands = [planes[0].point([colour[band] for colour in palette] + [0] * (255 - most)) for band in range(3)]
    else:
        chunks = chunk(b"tRNS", bytes(2 * len(planes))) if has_clear else b""
        bands = [each.point([min(value, most) * 255 // most for value in range(256)]) for each in planes]
        if colour_type == RGB and has_clear:
            alpha = ImageChops.lighter(ImageChops.lighter(*planes[:2]), planes[2]).point([0] + [255] * 255)
        elif colour_type >= GREY_ALPHA:
            alpha = bands.pop()
        bands *= 3 // len(bands)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour_type, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(rows_of(planes, depth)))
    data = b"\x89PNG\r\n\x1a\n" + head + chunks + pixels + chunk(b"IEND", b"")
    return data, Image.merge("RGBA", (*bands, alpha))


def on_white(image: Image.Image) -> Image.Image:
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def error(seen: Image.Image, original: Image.Image) -> float:
    """Return the mean difference from the original in this size, of the channel where it is largest."""
    small = original.convert("RGBa").resize(seen.size, Image.Resampling.LANCZOS).convert("RGBA")
    return max(ImageStat.Stat(ImageChops.difference(on_white(seen), on_white(small))).mean)


@pytest.mark.parametrize(("colour_type", "depth", "has_clear"), KINDS)
async def test_every_variant(client: httpx.AsyncClient, colour_type: int, depth: int, has_clear: bool) -> None:
    data, original = made(colour_type, depth, has_clear)
    variants = (await uploaded(client, "a.png", data))["variants"]
    answers = await asyncio.gather(*(client.get(path(each["url"])) for each in variants))  # rendered together
    for each, answer in zip(variants, answers, strict=True):
        seen = decoded(answer)
        is_exact = seen.format == "PNG" or b"VP8L" in answer.content[:32]
        assert seen.size == (each["width"], each["height"])
        if is_exact:
            assert error(seen, original) <= (0.2 if seen.size == original.size else MEAN), each
        else:
            assert error(seen.resize(SMALL), original) <= LOSSY_MEAN, each


@pytest.mark.parametrize("size", ["50-0", "100-0"])
async def test_black_and_white_alone(client: httpx.AsyncClient, size: str) -> None:
    data, original = made(GREY, 1, False)
    image = await uploaded(client, "a.png", data)
    [url] = [each["url"] for each in image["variants"] if (each["size"], each["format"]) == (size, "png")]
    assert error(decoded(await client.get(path(url))), original) <= MEAN
