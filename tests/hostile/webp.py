"""WebPs: lying headers, frames by the thousand, hidden pictures, what trails."""

import io
import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

from tests.hostile.picture import HTML, Hostile, accept, archive, cut, either, encoded, noise, reject

GOOD = encoded("WEBP", size=(320, 240))
LOSSLESS = encoded("WEBP", size=(320, 240), lossless=True)
ALPHA = encoded("WEBP", "RGBA", (320, 240))
ANIMATION = 2  # flag of a canvas


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    return chunk(b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1))


def frame(width: int, height: int, picture: bytes, x: int = 0, y: int = 0) -> bytes:
    head = b"".join(_three(number) for number in (x // 2, y // 2, width - 1, height - 1, 40))
    return chunk(b"ANMF", head + b"\0" + picture)


def animated(width: int, height: int, frames: list[bytes]) -> bytes:
    return riff(canvas(width, height, ANIMATION), chunk(b"ANIM", bytes(6)), *frames)


def lossless_of(width: int, height: int) -> bytes:
    """A picture chunk that says so, with another's data."""
    return chunk(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + LOSSLESS[25:])


def lossy_of(width: int, height: int) -> bytes:
    return chunk(b"VP8 ", GOOD[20:26] + struct.pack("<HH", width, height) + GOOD[30:])


def flat(width: int, height: int, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 90)).save(buffer, "WEBP", method=0, **options)
    return buffer.getvalue()


def _three(number: int) -> bytes:
    return struct.pack("<I", number)[:3]


DOT = encoded("WEBP", size=(1, 1), lossless=True)
DOT_CHUNK = DOT[12:]
SMALL = encoded("WEBP", size=(16, 16))[12:]


def webps() -> Iterator[Hostile]:
    yield accept("webp-good.webp", GOOD, "lossy")
    yield accept("webp-good-lossless.webp", LOSSLESS, "lossless")
    yield accept("webp-good-alpha.webp", ALPHA, "lossy with alpha")
    yield accept("webp-good-animated.webp", animated(16, 16, [frame(16, 16, SMALL)] * 10), "10 frames")
    yield accept("webp-good-named.jpg", GOOD, "a WebP named .jpg: the bytes decide")
    yield from _bombs()
    yield from _lies()
    yield from _damage()
    yield from _cargo()
    yield from _tangles()


def _bombs() -> Iterator[Hostile]:
    yield accept("webp-edge-49mp.webp", flat(7000, 7000, lossless=True), "49 MP in 38 bytes: one colour needs no data")
    yield accept("webp-edge-49mp-lossy.webp", flat(7000, 7000), "49 MP, lossy")
    yield reject("webp-bomb-16383.webp", riff(lossless_of(16383, 16383)), "268 MP of canvas in 40 bytes")
    yield reject("webp-bomb-16383-lossy.webp", riff(lossy_of(16383, 16383)), "the same, lossy")
    yield reject("webp-bomb-16383x3000.webp", riff(lossy_of(16383, 3000)), "49 MP, of which the data have none")
    yield reject("webp-bomb-canvas.webp", riff(canvas(1 << 24, 1 << 24), DOT_CHUNK), "a canvas of 2^48 pixels")
    dot = frame(1, 1, DOT_CHUNK)
    yield reject("webp-bomb-1000-frames.webp", animated(100, 100, [dot] * 1000), "1,000 frames of 100x100")
    yield accept("webp-edge-500-frames.webp", animated(365, 365, [dot] * 500), "500 frames, 66.6 MP over all")
    yield reject(
        "webp-bomb-410x410x400.webp", animated(410, 410, [dot] * 400), "67.2 MP over all frames, all of which are held"
    )
    yield accept("webp-edge-16mp-frame.webp", animated(4000, 4000, [dot]), "one frame on 16 MP")
    yield reject("webp-bomb-25mp-frames.webp", animated(5000, 5000, [dot] * 2), "two on 25 MP: each held four times")


def _lies() -> Iterator[Hostile]:
    yield reject("webp-lie-canvas-larger.webp", riff(canvas(640, 480), GOOD[12:]), "a canvas larger than its picture")
    yield reject("webp-lie-canvas-smaller.webp", riff(canvas(1, 1), GOOD[12:]), "a canvas smaller than its picture")
    yield reject("webp-lie-frame.webp", animated(99, 99, [frame(9, 9, SMALL)]), "a frame that is larger than it says")
    inside = frame(16, 16, SMALL, x=90)
    yield reject("webp-lie-frame-outside.webp", animated(100, 100, [inside]), "a frame beyond its canvas")
    yield reject("webp-lie-still.webp", riff(canvas(16, 16), frame(16, 16, SMALL)), "frames that are not announced")
    announced = riff(canvas(16, 16, ANIMATION), SMALL)
    yield reject("webp-lie-animated.webp", announced, "announces frames and has none")
    yield reject("webp-lie-2mp.webp", riff(lossless_of(1600, 1200)), "2 MP, of which the data have 0.08")
    yield either("webp-lie-smaller.webp", riff(lossy_of(64, 48)), "says less than the data")
    yield reject("webp-dims-0.webp", riff(lossy_of(0, 240)), "width 0")


def _damage() -> Iterator[Hostile]:
    yield reject("webp-trunc-half.webp", GOOD[: len(GOOD) // 2], "cut")
    yield reject("webp-trunc-99.webp", GOOD[:-30], "last 30 bytes gone")
    short = riff(chunk(b"VP8 ", GOOD[20:-300]))
    yield either("webp-trunc-rewrapped.webp", short, "cut, and its lengths made good")
    rewrapped = riff(chunk(b"VP8L", LOSSLESS[20 : len(LOSSLESS) // 2]))
    yield reject("webp-trunc-lossless-rewrapped.webp", rewrapped, "the same, lossless")
    yield reject("webp-head-only.webp", b"RIFF\x04\0\0\0WEBP", "twelve bytes")
    yield reject("webp-riff-short.webp", b"RIFF\x20\0\0\0" + GOOD[8:], "a RIFF that ends within its picture")
    yield reject("webp-riff-4gb.webp", b"RIFF\xff\xff\xff\xff" + GOOD[8:], "a RIFF of 4 GB")
    yield reject("webp-chunk-4gb.webp", riff(b"VP8 \xff\xff\xff\xff" + GOOD[20:]), "a chunk of 4 GB")
    yield reject("webp-garbage.webp", riff(chunk(b"VP8L", LOSSLESS[20:25] + noise(900))), "garbage as lossless")
    bad_frame = animated(16, 16, [frame(16, 16, SMALL), frame(16, 16, chunk(b"VP8L", SMALL[8:]))])
    yield reject("webp-bad-frame-2.webp", bad_frame, "a second frame that is none")
    noisy = frame(320, 240, chunk(b"VP8L", LOSSLESS[20:25] + noise(900)))
    bad_data = animated(320, 240, [frame(320, 240, GOOD[12:]), noisy])
    yield reject("webp-bad-frame-2-data.webp", bad_data, "a second frame of garbage")
    yield reject("webp-wave.webp", b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), "a RIFF of sound")


def _cargo() -> Iterator[Hostile]:
    yield cut("webp-tail-zip.webp", GOOD, archive(), "also a ZIP")
    yield cut("webp-tail-html.webp", LOSSLESS, HTML, "HTML behind it")
    yield cut("webp-tail-webp.webp", GOOD, GOOD, "a second WebP behind it")
    yield accept("webp-xmp-html.webp", riff(canvas(320, 240), GOOD[12:], chunk(b"XMP ", HTML)), "HTML as XMP")
    loop = b"II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\x08\0\0\0"
    exif = riff(canvas(320, 240, 8), GOOD[12:], chunk(b"EXIF", loop))
    yield accept("webp-exif-loop.webp", exif, "a directory that points to itself")
    profile = chunk(b"ICCP", noise(5000))
    yield accept("webp-icc-garbage.webp", riff(canvas(320, 240, 32), profile, GOOD[12:]), "garbage as ICC")


def _tangles() -> Iterator[Hostile]:
    unknown = [chunk(b"junk", b"")] * 200_000
    yield reject("webp-chunks-200k.webp", riff(canvas(320, 240), *unknown, GOOD[12:]), "200,000 chunks")
    inner = frame(16, 16, SMALL + chunk(b"junk", b"") * 200_000)
    yield reject("webp-frame-chunks-200k.webp", animated(16, 16, [inner]), "the same in a frame")
    yield reject("webp-two-pictures.webp", riff(canvas(320, 240), GOOD[12:], LOSSLESS[12:]), "two pictures")
    metadata = [chunk(b"XMP ", HTML)] * 2
    yield reject("webp-two-xmp.webp", riff(canvas(320, 240), GOOD[12:], *metadata), "metadata twice")
    nested = frame(16, 16, frame(16, 16, SMALL))
    yield reject("webp-frame-in-frame.webp", animated(16, 16, [nested]), "a frame in a frame")
    yield reject("webp-no-frames.webp", animated(16, 16, []), "an animation without a frame")
