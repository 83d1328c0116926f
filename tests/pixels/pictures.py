"""Pictures made for a test, by Pillow or byte by byte, and how to look at what was rendered of them."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageCms

from image_service.pixels.picture import Format

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
Colour = tuple[int, ...]


def quadrants(width: int = 120, height: int = 80) -> Image.Image:
    """Red and green above, blue and white below: no turn or flip of it looks like another."""
    image = Image.new("RGB", (width, height), WHITE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    return image


def format_of(path: Path) -> Format:
    """By another reader than ours."""
    with Image.open(path) as image:
        return Format({"JPEG": "jpg"}.get(image.format or "", (image.format or "").lower()))


def corners(image: Image.Image) -> list[Colour]:
    """The middles of the four quadrants, in reading order."""
    rgb = image.convert("RGB")
    width, height = rgb.size
    return [pixel(rgb, x, y) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


def pixel(image: Image.Image, x: int, y: int) -> Colour:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return tuple(int(part) for part in value)


def alike(one: Colour, other: Colour, tolerance: int = 12) -> bool:
    return all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))


def oriented_jpeg(path: Path, orientation: int) -> Path:
    """A JPEG that looks like `quadrants()` only once its EXIF orientation has been applied."""
    inverse = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = quadrants()
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "a description that must not come out"
    stored = image if inverse is None else image.transpose(inverse)
    stored.save(path, "JPEG", quality=95, exif=exif, comment=b"a comment that must not come out")
    return path


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries have changed places: ignoring it is seen at once."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * count, 12)}
    red, green = tags[b"rXYZ"] + 4, tags[b"gXYZ"] + 4
    profile[red : red + 8], profile[green : green + 8] = profile[green : green + 8], profile[red : red + 8]
    return bytes(profile)


def animation(path: Path, frames: int = 4, width: int = 60, height: int = 40) -> Path:
    """A GIF of frames red, green, blue, … of 100, 200, … ms, that plays three times."""
    colours = (RED, GREEN, BLUE, WHITE)
    images = [Image.new("RGB", (width, height), colours[i % 4]) for i in range(frames)]
    durations = [100 * (i % 4 + 1) for i in range(frames)]
    images[0].save(path, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=3)
    return path


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def segments_of(jpeg: bytes) -> list[tuple[int, int]]:
    """Where each begins, and its marker. Scans are passed over as a decoder does it."""
    found, position = [], 2
    while position < len(jpeg) - 2:
        marker = jpeg[position + 1]
        found.append((position, marker))
        position += 2 + struct.unpack_from(">H", jpeg, position + 2)[0]
        while marker == 0xDA and (jpeg[position] != 0xFF or jpeg[position + 1] in (0, *range(0xD0, 0xD8))):
            position += 1
    return found


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A 1-bit grey PNG of black pixels, all of them there, however many."""
    rows = zlib.compress(bytes(height * ((width + 7) // 8 + 1)), 1)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def gif(width: int, height: int, frames: int) -> bytes:
    """A GIF of so many 1x1 frames on a canvas of that size."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return head + frame * frames + b";"
