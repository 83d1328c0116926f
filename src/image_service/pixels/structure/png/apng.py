"""Animated PNG: the frames of a PNG besides its first picture (W3C PNG 3, sections 4.9 and 11.3.6)."""

from dataclasses import dataclass, replace
from struct import Struct

from image_service.pixels.structure.png.chunks import IHDR, SIGNATURE, Chunk, chunk, chunks_of

ACTL = Struct(">II")  # frames; number of plays, 0 for ever
FCTL = Struct(">IIIIIHHBB")  # sequence number, width, height, left, top, delay, its divisor, disposal, blend
SEQUENCE = Struct(">I")
CLEARED, RESTORED = 1, 2  # disposal of a frame after display; 0: it stays
DISPOSALS, BLENDS = 3, 2
MOST = 2**31 - 1  # frames or plays in acTL; decoders ignore one with more
PER_SECOND = 100  # divisor of a delay, if given as 0
# Chunks before the first picture that each frame needs.
SHARED = (b"PLTE", b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"sBIT")


@dataclass(frozen=True)
class Frame:
    left: int  # pixels
    top: int
    width: int
    height: int
    milliseconds: int
    disposal: int
    is_blended: bool  # blended over the canvas; otherwise replaces it
    parts: tuple[tuple[int, int], ...]  # start and end of its pixels in the data


@dataclass(frozen=True)
class Apng:
    width: int  # pixels
    height: int
    plays: int
    frames: tuple[Frame, ...]
    declared: int  # number of frames in acTL
    header: bytes  # the rest of IHDR
    shared: bytes  # chunks

    def png(self, data: bytes, frame: Frame) -> bytes:
        """Return `frame` of `data` as a separate PNG."""
        header = chunk(b"IHDR", frame.width.to_bytes(4) + frame.height.to_bytes(4) + self.header)
        pixels = chunk(b"IDAT", b"".join(data[start:stop] for start, stop in frame.parts))
        return b"".join((SIGNATURE, header, self.shared, pixels, chunk(b"IEND", b"")))


def apng_of(data: bytes) -> Apng | None:
    """Read the animation of `data`, a walked PNG; None if it is a still picture.

    Like Chromium, keeps only the frames before the first invalid chunk, and no more than acTL declares.
    """
    if b"acTL" not in data:
        return None
    reader = _Reader()
    for each in chunks_of(data):
        if not reader.takes(each):
            reader.drop(each)
            break
    return reader.apng()


def fills(control: Chunk, width: int, height: int) -> bool:
    """Whether this fcTL is right for the first picture, which must fill the canvas: browsers do not show another."""
    if len(control.body) != FCTL.size or not control.is_right:
        return False
    return FCTL.unpack(control.body)[1:5] == (width, height, 0, 0)


class _Reader:
    def __init__(self) -> None:
        self._width = self._height = self._declared = self._plays = self._sequence = 0
        self._header = b""
        self._shared: list[bytes] = []
        self._frames: list[Frame] = []
        self._parts: list[tuple[int, int]] = []  # of the current frame
        self._has_pixels = self._hides_first = False

    def takes(self, each: Chunk) -> bool:
        """Whether the chunk validly continues the animation."""
        if each.kind == b"IHDR":
            self._width, self._height, *_ = IHDR.unpack(each.body)
            self._header = bytes(each.body[8:])
        elif each.kind == b"acTL" and not self._has_pixels:
            if len(each.body) != ACTL.size or self._declared:
                return False
            declared, plays = ACTL.unpack(each.body)
            if max(declared, plays) <= MOST and each.is_right:
                self._declared, self._plays = declared, plays
        elif each.kind in SHARED and not self._has_pixels:
            self._shared.append(chunk(each.kind, bytes(each.body)))
        elif each.kind == b"IDAT":
            self._hides_first |= not self._has_pixels and not self._frames
            self._has_pixels = True
            if not self._hides_first:
                if len(self._frames) > 1:
                    return False
                self._parts.append((each.start, each.stop))
        elif each.kind in (b"fcTL", b"fdAT"):
            if len(each.body) < SEQUENCE.size or SEQUENCE.unpack_from(each.body)[0] != self._sequence:
                return False
            if each.kind == b"fcTL" and not each.is_right:  # of fdAT, the decoder checks the sum of all its pixels
                return False
            self._sequence += 1
            return self._begin(each) if each.kind == b"fcTL" else self._go_on(each)
        return True

    def _begin(self, each: Chunk) -> bool:
        """Begin a frame. Returns whether it is valid."""
        if len(each.body) != FCTL.size:
            return False
        _, width, height, left, top, delay, divisor, disposal, blend = FCTL.unpack(each.body)
        if not width or not height or left + width > self._width or top + height > self._height:
            return False
        if not self._has_pixels and not fills(each, self._width, self._height):
            return False
        if disposal >= DISPOSALS or blend >= BLENDS:
            return False
        if self._parts:
            self._close()
        elif self._frames:  # browsers leave out a frame without pixels
            self._frames.pop()
        milliseconds = round(1000 * delay / (divisor or PER_SECOND))
        if not self._frames and disposal == RESTORED:
            disposal = CLEARED  # restores the empty canvas
        self._frames.append(Frame(left, top, width, height, milliseconds, disposal, bool(blend), ()))
        return True

    def _go_on(self, each: Chunk) -> bool:
        if not self._has_pixels or not self._frames:
            return False
        self._parts.append((each.start + SEQUENCE.size, each.stop))
        return True

    def _close(self) -> None:
        if self._frames:
            self._frames[-1] = replace(self._frames[-1], parts=tuple(self._parts))
        self._parts = []

    def drop(self, each: Chunk) -> None:
        """Drop the last frame, which is incomplete if the invalid chunk `each` belongs to it."""
        if self._frames and each.kind != b"fcTL":
            self._frames.pop()
            self._parts = []

    def apng(self) -> Apng | None:
        if self._parts:
            self._close()
        frames = [each for each in self._frames if each.parts][: self._declared]
        if not frames or not self._has_pixels:
            return None
        return Apng(
            self._width,
            self._height,
            self._plays,
            tuple(frames),
            self._declared,
            self._header,
            b"".join(self._shared),
        )
