"""WebP: a RIFF file of chunks, with one picture, or a canvas and an animation's frames (RFC 9649)."""

from collections.abc import Iterator
from struct import Struct

from image_service.pixels.limits import Limits, broken, cut, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Edit, Structure

CHUNK_HEAD = Struct("<4sI")  # type, length of the body; an odd body has a padding byte
RIFF_HEAD = 12  # bytes: "RIFF", length of the rest, "WEBP"
CANVAS = Struct("<B3x3s3s")  # flags, width - 1, height - 1
FRAME = Struct("<3s3s3s3s3xB")  # left / 2, top / 2, width - 1, height - 1, time, flags
LOSSY = Struct("<3s3sHH")  # frame tag, start code, width and height in the lower 14 bits
LOSSLESS = Struct("<BI")  # signature, then 14 bits of width - 1, 14 of height - 1, one for alpha, 3 of version
LOSSLESS_ALPHA = 1 << 28
ANIMATED, ALPHA, PROFILE = 0x02, 0x10, 0x20  # flags of a canvas
PICTURES = (b"VP8 ", b"VP8L")
METADATA = (b"ICCP", b"EXIF", b"XMP ")

# Measured bytes per pixel in libwebp and libvips. A lossless still picture: RGBA. An animation: the canvas, the one
# before, the frame and its coded data; and all frames.
STILL_BYTES, ANIMATION_BYTES, FRAME_BYTES = 4, 12, 4


def walk_webp(data: bytes, limits: Limits) -> Structure:
    """Return the outline of a WebP. Bytes beyond the RIFF header's length are a trailer."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise cut("WebP cut short")
    chunks = _chunks(data, RIFF_HEAD, end, limits)
    kind, start, stop = next(chunks, (b"", 0, 0))
    if kind in PICTURES:  # the simple format: later chunks are ignored
        width, height = _picture(data, kind, start, stop)
        held = width * height * STILL_BYTES
        return Structure(Format.WEBP, width, height, 1, end, decoded=held, is_lossy=kind == b"VP8 ")
    if kind != b"VP8X" or stop - start < CANVAS.size:
        raise broken("WebP without a picture")
    at, (flags, *sides) = start, CANVAS.unpack_from(data, start)
    width, height = (_number(side) + 1 for side in sides)
    if not flags & ANIMATED:
        shows_alpha = _still(data, chunks, (width, height))
        edits = _flagged(at, flags, flags | ALPHA if shows_alpha else flags)
        return Structure(Format.WEBP, width, height, 1, end, decoded=width * height * STILL_BYTES, edits=edits)
    frames = _frames(data, chunks, (width, height), limits)
    held = width * height * (ANIMATION_BYTES + FRAME_BYTES * frames)
    if held > limits.whole:
        raise too_large(f"{frames} frames of {width}x{height}")
    edits = _flagged(at, flags, flags & ~PROFILE)  # browsers ignore an animation's
    return Structure(Format.WEBP, width, height, frames, end, decoded=held, edits=edits)


def _flagged(at: int, flags: int, wanted: int) -> tuple[Edit, ...]:
    return (Edit(at, at + 1, bytes([wanted])),) if flags != wanted else ()


def _chunks(data: bytes, position: int, end: int, limits: Limits) -> Iterator[tuple[bytes, int, int]]:
    """Yield each chunk's type, and its body's start and stop."""
    count = 0
    while position < end:
        count += 1
        if count > limits.chunks:
            raise broken("WebP with too many chunks")
        start = position + CHUNK_HEAD.size
        if start > end:
            raise cut("WebP cut between chunks")
        kind, length = CHUNK_HEAD.unpack_from(data, position)
        if start + length > end:
            raise cut("WebP cut within a chunk")
        yield kind, start, start + length
        position = start + length + length % 2


def _still(data: bytes, chunks: Iterator[tuple[bytes, int, int]], canvas: tuple[int, int]) -> bool:
    """Require one picture of the canvas's size, no frames, and each metadata chunk at most once. Returns whether the
    picture is lossless with alpha: browsers then show its alpha even if the canvas denies it.
    """
    has_alpha = False
    pictures, others = [], []
    for kind, start, stop in chunks:
        if kind in PICTURES:
            pictures.append(_picture(data, kind, start, stop))
            has_alpha = kind == b"VP8L" and bool(LOSSLESS.unpack_from(data, start)[1] & LOSSLESS_ALPHA)
        elif kind in (b"ANIM", b"ANMF", b"VP8X"):
            raise broken("WebP with frames that it does not announce")
        elif kind in (b"ALPH", *METADATA):  # ignores unknown chunks, as the decoder does
            others.append(kind)
    if pictures != [canvas]:
        raise broken("WebP whose picture is of another size than its canvas, or not one")
    if len(set(others)) != len(others):
        raise broken("WebP with metadata twice")
    return has_alpha


def _frames(data: bytes, chunks: Iterator[tuple[bytes, int, int]], canvas: tuple[int, int], limits: Limits) -> int:
    """Count the frames. Each must have one picture, within the canvas."""
    frames = 0
    seen: set[bytes] = set()
    for kind, start, stop in chunks:
        if kind == b"ANMF":
            frames += 1
            if frames > limits.frames:
                raise too_large(f"more than {limits.frames} frames")
            _frame(data, start, stop, canvas, limits)
        elif kind in (*PICTURES, b"ALPH", b"VP8X"):
            raise broken("WebP with a picture beside its frames")
        elif kind in (b"ANIM", *METADATA):
            if kind in seen:
                raise broken("WebP with metadata twice")
            seen.add(kind)
    if not frames or b"ANIM" not in seen:
        raise broken("WebP without its frames")
    return frames


def _frame(data: bytes, start: int, stop: int, canvas: tuple[int, int], limits: Limits) -> None:
    if stop - start < FRAME.size:
        raise cut("WebP cut in a frame's header")
    *numbers, _ = FRAME.unpack_from(data, start)
    left, top, width, height = map(_number, numbers)
    size = (width + 1, height + 1)
    if 2 * left + size[0] > canvas[0] or 2 * top + size[1] > canvas[1]:
        raise broken("WebP with a frame beyond its canvas")
    inside = _chunks(data, start + FRAME.size, stop, limits)
    pictures = [_picture(data, *chunk) for chunk in inside if chunk[0] in PICTURES]
    if pictures != [size]:
        raise broken("WebP with a frame of another size, or not of one picture")


def _picture(data: bytes, kind: bytes, start: int, stop: int) -> tuple[int, int]:
    """Read width and height from the coded picture."""
    if kind == b"VP8 ":
        if stop - start < LOSSY.size:
            raise cut("WebP cut in a picture's header")
        tag, code, width, height = LOSSY.unpack_from(data, start)
        if tag[0] & 1 or code != b"\x9d\x01\x2a":
            raise broken("WebP whose picture is no key frame")
        return width & 0x3FFF, height & 0x3FFF
    if stop - start < LOSSLESS.size:
        raise cut("WebP cut in a picture's header")
    signature, bits = LOSSLESS.unpack_from(data, start)
    if signature != 0x2F or bits >> 29:
        raise broken("WebP with a bad lossless header")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1


def _number(three_bytes: bytes) -> int:
    return int.from_bytes(three_bytes, "little")
