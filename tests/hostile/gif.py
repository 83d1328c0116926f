"""GIFs: bombs of frames, lying canvases, broken LZW, polyglots."""

import struct
from collections.abc import Iterator

from tests.hostile.picture import HTML, Hostile, accept, archive, cut, either, encoded, noise, reject

PALETTE = bytes((0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255))


class _Codes:
    """LZW codes of two-bit pixels, packed as a GIF has them."""

    CLEAR, END = 4, 5

    def __init__(self) -> None:
        self._bits = self._count = 0
        self._bytes = bytearray()

    def put(self, code: int, width: int) -> None:
        self._bits |= code << self._count
        self._count += width
        while self._count >= 8:
            self._bytes.append(self._bits & 255)
            self._bits >>= 8
            self._count -= 8

    def data(self) -> bytes:
        if self._count:
            self.put(0, 8 - self._count)
        blocks = [self._bytes[at : at + 255] for at in range(0, len(self._bytes), 255)]
        return b"\2" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\0"


def plain(pixels: int) -> bytes:
    """Pixels of colour 0, with a clear code before each: cheap to make, and valid."""
    codes = _Codes()
    for _ in range(pixels):
        codes.put(codes.CLEAR, 3)
        codes.put(0, 3)
    codes.put(codes.END, 3)
    return codes.data()


def packed(pixels: int) -> bytes:
    """Pixels of colour 0 in ever longer runs, as an encoder writes them."""
    codes, width, following, run = _Codes(), 3, 6, 2
    codes.put(codes.CLEAR, width)
    codes.put(0, width)
    left = pixels - 1
    while left > 0:
        codes.put(following if left >= run else following - 1 - (run - 1 - left) if left > 1 else 0, width)
        left -= min(left, run)
        run += 1
        following += 1
        if following == 1 << width and width < 12:
            width += 1
        if following >= 4095 and left > 0:
            codes.put(codes.CLEAR, width)
            width, following, run = 3, 6, 2
            codes.put(0, width)
            left -= 1
    codes.put(codes.END, width)
    return codes.data()


def gif(width: int, height: int, frames: list[bytes], *, palette: bool = True, version: bytes = b"GIF89a") -> bytes:
    screen = struct.pack("<HHBBB", width, height, 0x81 if palette else 0, 0, 0)
    return version + screen + (PALETTE if palette else b"") + b"".join(frames) + b";"


RESTORED = 3  # a disposal: by what was there before


def frame(width: int, height: int, x: int = 0, y: int = 0, data: bytes | None = None, *, disposal: int = 1) -> bytes:
    control = b"\x21\xf9\x04" + bytes([disposal << 2]) + b"\1\0\0\0"
    return control + b"\x2c" + struct.pack("<HHHHB", x, y, width, height, 0) + (data or plain(width * height))


FRAME = frame(16, 16)
GOOD = gif(16, 16, [FRAME])


def gifs() -> Iterator[Hostile]:
    photo = encoded("GIF", "P", (200, 150))
    yield accept("gif-good.gif", GOOD, "plain")
    yield accept("gif-good-87a.gif", gif(16, 16, [FRAME[8:]], version=b"GIF87a"), "87a")
    yield accept("gif-good-anim-10.gif", gif(16, 16, [FRAME] * 10), "10 frames")
    yield accept("gif-good-pil.gif", photo, "Pillow's")
    yield accept("gif-good-interlaced.gif", encoded("GIF", "P", (200, 150), interlace=1), "interlaced")
    yield from _bombs()
    yield reject("gif-trunc-half.gif", photo[: len(photo) // 2], "cut")
    yield accept("gif-trunc-frame2.gif", gif(16, 16, [FRAME] * 2)[:-60], "second frame cut, the first whole")
    yield either("gif-no-trailer.gif", GOOD[:-1], "no trailer")
    yield from _odd_frames()
    yield reject("gif-header-only.gif", b"GIF89a", "six bytes")
    yield reject("gif-js-polyglot.gif", b"GIF89a/*" + bytes(5) + b"*/=1;alert(1)//", "the classic GIF/JS polyglot")
    yield cut("gif-tail-zip.gif", GOOD, archive(), "GIFAR")
    comment = b"\x21\xfe" + bytes([len(HTML)]) + HTML + b"\0"
    yield accept("gif-comment-html.gif", gif(16, 16, [comment, FRAME]), "HTML in a comment")
    yield either("gif-comments-1m.gif", gif(16, 16, [b"\x21\xfe\1a\0" * 1_000_000, FRAME]), "a million comments")


def _bombs() -> Iterator[Hostile]:
    dot = frame(1, 1)
    yield reject("gif-bomb-canvas-65535.gif", gif(65535, 65535, [dot]), "4.3 gigapixels of canvas in 50 bytes")
    yield reject("gif-bomb-frames-100k.gif", gif(100, 100, [dot] * 100_000), "100,000 frames: one gigapixel")
    whole = frame(2000, 2000, data=packed(4_000_000))
    yield reject("gif-bomb-2000x2000x900.gif", gif(2000, 2000, [whole] * 900), "900 frames of 4 MP")
    yield accept("gif-edge-49mp.gif", gif(7000, 7000, [frame(7000, 7000, data=packed(49_000_000))]), "49 MP, one frame")
    for disposal in (RESTORED, RESTORED + 1):
        side, want = (5400, accept) if disposal == RESTORED else (5419, reject)
        twice = frame(side, side, data=packed(side * side), disposal=disposal)
        yield want(f"gif-two-canvases-{side}.gif", gif(side, side, [twice]), "a copy of the canvas beside it")
    twice = frame(7000, 7100, data=packed(7000 * 1600), disposal=RESTORED)
    yield reject("gif-bomb-two-canvases.gif", gif(7000, 7100, [twice]), "429 MB to decode 9 kB")
    yield accept("gif-edge-49mp-12frames.gif", gif(2000, 2000, [whole] * 12), "48 MP over 12 frames")


def _odd_frames() -> Iterator[Hostile]:
    yield reject("gif-no-frames.gif", gif(16, 16, []), "no frame at all")
    yield either("gif-zero-canvas.gif", gif(0, 0, [FRAME]), "canvas of 0x0")
    yield reject("gif-zero-frame.gif", gif(16, 16, [frame(0, 0, data=plain(1))]), "frame of 0x0")
    yield either("gif-frame-outside.gif", gif(16, 16, [frame(16, 16, 60000, 60000)]), "frame outside the canvas")
    huge = frame(65535, 65535, data=plain(10))
    yield reject("gif-frame-bigger-65535.gif", gif(16, 16, [huge]), "frame of 65535x65535 on a small canvas")
    yield either("gif-no-colours.gif", gif(16, 16, [FRAME], palette=False), "no colour table")
    wide = frame(16, 16, data=b"\x09\2\0\0\0")
    yield reject("gif-lzw-codesize.gif", gif(16, 16, [wide]), "LZW code size 9")
    garbage = frame(16, 16, data=b"\2\x20" + noise(32) + b"\0")
    yield reject("gif-lzw-garbage.gif", gif(16, 16, [garbage]), "garbage as LZW")
