"""HEICs made box by box, of pictures that `tests/data/heic/make.py` has coded."""

from collections.abc import Sequence
from pathlib import Path

from tests.hostile.avif_boxes import Item, avif, coded, picture

FILES = Path(__file__).parents[1] / "data" / "heic"
BRANDS = (b"heic", b"mif1")
Part = tuple[bytes, bytes]  # configuration and coded picture


def file(name: str) -> bytes:
    return (FILES / f"{name}.heic").read_bytes()


def part(name: str) -> Part:
    return coded(file(name), b"hvcC")


def hevc(width: int, height: int, coded_as: Part, *more: bytes, **options: object) -> Item:
    return picture(width, height, coded_as, *more, kind=b"hvc1", **options)


def heic(items: Sequence[Item], *, brands: Sequence[bytes] = BRANDS, primary: int = 1) -> bytes:
    return avif(items, brands=brands, primary=primary)
