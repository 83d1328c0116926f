"""One picture of the collection, and what several kinds are made of."""

import io
import random
import zipfile
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from PIL import Image

HTML = b"<html><script>alert(document.domain)</script></html>"


class Want(Enum):
    ACCEPT = "accept"
    CUT = "cut"  # accept, but what is kept must end where the image does
    REJECT = "reject"
    EITHER = "either"  # harmless, or broken in a way on which decoders differ


@dataclass(frozen=True)
class Hostile:
    """All weigh less than 10 MB, so that the limit on bytes hides no weakness."""

    name: str
    data: bytes
    want: Want
    why: str
    end: int | None = None  # where the image ends, if it is to be cut there


def accept(name: str, data: bytes, why: str) -> Hostile:
    return Hostile(name, data, Want.ACCEPT, why)


def reject(name: str, data: bytes, why: str) -> Hostile:
    return Hostile(name, data, Want.REJECT, why)


def either(name: str, data: bytes, why: str) -> Hostile:
    return Hostile(name, data, Want.EITHER, why)


def cut(name: str, image: bytes, tail: bytes, why: str) -> Hostile:
    return Hostile(name, image + tail, Want.CUT, why, len(image))


def noise(count: int) -> bytes:
    """The same in every run."""
    return random.Random(7).randbytes(count)


def encoded(format: str, mode: str = "RGB", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """A slanting gradient, as Pillow writes it."""
    slanting = _slanting(*size)
    if mode in ("L", "P"):
        image = Image.frombytes(mode, size, slanting)
    elif mode == "1" or mode.startswith("I"):
        image = Image.new(mode, size)
        image.putdata([value >> 7 if mode == "1" else value * 257 for value in slanting])
    else:
        bands = range(1, len(Image.new(mode, (1, 1)).getbands()) + 1)
        tables = [bytes(value * band & 255 for value in range(256)) for band in bands]
        image = Image.merge(mode, [Image.frombytes("L", size, slanting.translate(table)) for table in tables])
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@cache
def _slanting(width: int, height: int) -> bytes:
    return bytes((x * 5 + y * 3) & 255 for y in range(height) for x in range(width))


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr(zipfile.ZipInfo("evil.class"), b"\xca\xfe\xba\xbe" + b"A" * 100)
    return buffer.getvalue()
