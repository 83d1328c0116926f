"""PNG: signature, then chunks of length, type, body, CRC (W3C PNG, section 5)."""

from dataclasses import replace

from image_service.pixels.limits import Limits, broken, cut, too_large
from image_service.pixels.picture import Format
from image_service.pixels.structure.outline import Edit, Structure
from image_service.pixels.structure.png.apng import apng_of, fills
from image_service.pixels.structure.png.chunks import CHUNK_HEAD, CRC, IHDR, SIGNATURE, Chunk, chunk, chunk_at

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PALETTE = 3
CANVAS_BYTES = 4  # per pixel
CANVASES = 3  # held for an animation: the frame, the shown canvas, the one to restore
DEPTHS = (1, 2, 4, 8, 16)
KNOWN_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
END = chunk(b"IEND", b"")
ANIMATION = (b"acTL", b"fcTL", b"fdAT")  # whose faults end the animation
COMPRESSED = (b"zTXt", b"iTXt", b"iCCP")  # may inflate to far more than their size


def header_of_png(data: bytes) -> tuple[int, int, int, bool]:
    """Return a walked PNG's width, height, bits per sample, and whether its pixels are palette indices."""
    width, height, depth, colour_type, *_ = IHDR.unpack_from(data, len(SIGNATURE) + CHUNK_HEAD.size)
    return width, height, depth, colour_type == PALETTE


def walk_png(data: bytes, limits: Limits) -> Structure:
    """Return the outline of a PNG.

    Without IEND it ends after its last chunk, or in a truncated IDAT: the decoder checks whether all pixels are
    there. Chunks that a decoder may ignore are left out if they are damaged or reserved, as in every browser.
    """
    view = memoryview(data)
    position = len(SIGNATURE)
    header: tuple[int, int, int, int] | None = None  # width, height, colour type, bytes to decode
    others = compressed = colours = 0
    seen: set[bytes] = set()
    edits: list[Edit] = []
    is_open, before = False, b""
    while b"IEND" not in seen:
        found = chunk_at(view, position)
        if found is None:
            if b"IDAT" not in seen and not data.startswith(b"IDAT", position + 4):
                raise cut("PNG cut before its pixels")
            if b"IDAT" in seen and before != b"IDAT" and data.startswith(b"IDAT", position + 4):
                raise broken("PNG with a chunk among its pixels")
            edits.append(_ending(view, position))
            position, is_open = edits[-1].stop, True
            seen.add(b"IDAT")
            break
        kind, body, *_ = found
        begin, position = position, found.stop + CRC.size

        if header is None:
            if kind != b"IHDR":
                raise broken("PNG without IHDR")
            header = _header(body)
        elif kind == b"IHDR":
            raise broken("PNG with a second IHDR")
        is_palette = kind == b"PLTE" and header[2] == PALETTE  # in other colour types it only suggests
        colours = len(body) // 3 if is_palette else colours
        edits += _mended(found, begin, colours)
        if b"IDAT" not in seen:
            if kind == b"fcTL" and not fills(found, *header[:2]):
                raise broken("APNG whose first frame does not fill it")
        elif kind == b"IDAT" != before:
            raise broken("PNG with a chunk among its pixels")
        before = kind
        seen.add(kind)
        others += kind not in (b"IDAT", b"fdAT")
        compressed += kind in COMPRESSED
        if others > limits.chunks or compressed > limits.text:
            raise broken("PNG with too many chunks")

    width, height, colour_type, decoded = header or (0, 0, 0, 0)
    if b"IDAT" not in seen or (colour_type == PALETTE and b"PLTE" not in seen):
        raise broken("PNG without pixels or palette")
    structure = Structure(Format.PNG, width, height, 1, position, decoded, edits=tuple(edits), is_open=is_open)
    return _with_frames(structure, data, limits) if b"acTL" in seen else structure


def _mended(found: Chunk, begin: int, colours: int) -> list[Edit]:
    """Return the edit that this chunk needs, if any. `colours`: how many the palette before it has; 0 without one.

    Raises `Refused` for a damaged or unknown critical chunk.
    """
    stop = found.stop + CRC.size
    if found.kind[0] & 0x20:  # a lower-case first letter marks chunks that a decoder may ignore; a third, reserved ones
        is_good = found.kind in ANIMATION or (not found.kind[2] & 0x20 and found.is_right)
        if is_good and found.kind == b"tRNS" and 0 < colours < len(found.body):  # browsers ignore the rest of it
            return [Edit(begin, stop, chunk(b"tRNS", bytes(found.body[:colours])))]
        return [] if is_good else [Edit(begin, stop)]
    if found.kind not in KNOWN_CRITICAL:
        raise broken("PNG with an unknown critical chunk")
    if found.kind == b"IDAT" or found.is_right:  # the decoder checks IDAT's CRC: it reads those bytes anyway
        return []
    if found.kind != b"IEND":
        raise broken("PNG with a wrong checksum")
    return [Edit(begin, stop, END)]


def _with_frames(structure: Structure, data: bytes, limits: Limits) -> Structure:
    apng = apng_of(structure.tidied(data))
    if structure.is_open and (apng is None or len(apng.frames) < apng.declared):
        raise cut("APNG cut before its last frame")
    if apng is None:
        return structure
    canvas = structure.width * structure.height * CANVAS_BYTES
    if len(apng.frames) * canvas > limits.whole:
        raise too_large(f"{len(apng.frames)} frames of {structure.width}x{structure.height}")
    decoded = max(structure.decoded, CANVASES * canvas)
    return replace(structure, frames=len(apng.frames), decoded=decoded, apng=apng)


def _ending(view: memoryview, position: int) -> Edit:
    """Return the edit that ends the PNG at an incomplete chunk at `position`: a truncated IDAT's pixels, and IEND."""
    length, kind = CHUNK_HEAD.unpack(bytes(view[position : position + CHUNK_HEAD.size]).ljust(CHUNK_HEAD.size, b"\0"))
    body = bytes(view[position + CHUNK_HEAD.size :][:length])
    is_cut = kind.isalpha() or len(view) - position < CHUNK_HEAD.size
    pixels = chunk(b"IDAT", body) if kind == b"IDAT" else b""
    return Edit(position, len(view) if is_cut else position, pixels + END)


def _header(body: memoryview) -> tuple[int, int, int, int]:
    if len(body) != IHDR.size:
        raise broken("PNG with a bad IHDR")
    width, height, depth, colour_type, compression, filtering, interlace = IHDR.unpack(body)
    if colour_type not in CHANNELS or depth not in DEPTHS or compression or filtering or interlace > 1:
        raise broken("PNG with a bad IHDR")
    row_bytes = (width * depth * CHANNELS[colour_type] + 7) // 8
    return width, height, colour_type, height * row_bytes
