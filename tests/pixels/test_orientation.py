"""EXIF orientations turn a JPEG or PNG where Chromium turns it, and nowhere else."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from image_service.pixels.messages import Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.pool import PixelPool
from tests.pixels.conftest import WAIT
from tests.pixels.pictures import alike, chunk, corners, encoded, quadrants
from tests.pixels.shown import Shown

TAG = 0x0112
BYTE, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT = 1, 3, 4, 5, 6, 7, 8
NUMBER = {BYTE: "Bxxx", SHORT: "Hxx", LONG: "I", SBYTE: "Bxxx", UNDEFINED: "Bxxx", SSHORT: "Hxx", RATIONAL: "I"}


def entry(value: int, type_: int = SHORT, count: int = 1, order: str = "<") -> bytes:
    return struct.pack(order + "HHI" + NUMBER[type_], TAG, type_, count, value)


def tiff(*entries: bytes, order: str = "<", count: int | None = None) -> bytes:
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return head + struct.pack(order + "H", len(entries) if count is None else count) + b"".join(entries) + bytes(4)


TIFFS = {
    "short": tiff(entry(6)),
    "short, big-endian": tiff(entry(6, order=">"), order=">"),
    "byte": tiff(entry(6, BYTE)),
    "signed byte": tiff(entry(6, SBYTE)),
    "signed short": tiff(entry(6, SSHORT)),
    "undefined": tiff(entry(6, UNDEFINED)),
    "long": tiff(entry(6, LONG)),
    "long, big-endian": tiff(entry(6, LONG, order=">"), order=">"),
    "rational": tiff(entry(26, RATIONAL)) + struct.pack("<II", 6, 1),
    "no value": tiff(entry(6, count=0)),
    "two values": tiff(entry(6, count=2)),
    "9": tiff(entry(9)),
    "two": tiff(entry(6), entry(8)),
    "a long, then a short": tiff(entry(6, LONG), entry(8)),
    "9, then 8": tiff(entry(9), entry(8)),
    "fewer than announced": tiff(entry(6), count=500),
    "none of one": tiff(entry(6), count=0),
    "cut in the value": tiff(entry(6))[:-7],
    "cut behind the value": tiff(entry(6))[:-4],
    "not TIFF": b"II+\0" + tiff(entry(6))[4:],
    "nothing": b"",
    "a directory far away": b"II*\0" + b"\xff" * 4 + tiff(entry(6))[8:],
}


def jpeg(*exif: bytes) -> bytes:
    whole = encoded(quadrants(), "JPEG", quality=95)
    return whole[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(each) + 2) + each for each in exif) + whole[2:]


def png(*exif: bytes) -> bytes:
    whole = encoded(quadrants(), "PNG")
    return whole[:33] + b"".join(exif) + whole[33:]


def exif_chunk(body: bytes) -> bytes:
    return chunk(b"eXIf", body)


PICTURES = {
    **{f"JPEG, {name}": jpeg(b"Exif\0\0" + body) for name, body in TIFFS.items()},
    **{f"PNG, {name}": png(exif_chunk(body)) for name, body in TIFFS.items() if body},
    "JPEG, another byte before": jpeg(b"Exif\0\xff" + tiff(entry(6))),
    "JPEG, another mark": jpeg(b"Exif\1\0" + tiff(entry(6))),
    "JPEG, two segments": jpeg(b"Exif\0\0" + tiff(entry(6, LONG)), b"Exif\0\0" + tiff(entry(8))),
    "JPEG, XMP before": jpeg(b"http://ns.adobe.com/xap/1.0/\0<x/>", b"Exif\0\0" + tiff(entry(6))),
    "PNG, with JPEG's mark": png(exif_chunk(b"Exif\0\0" + tiff(entry(6)))),
    "PNG, two chunks": png(exif_chunk(tiff(entry(6))) + exif_chunk(tiff(entry(8)))),
    "PNG, a damaged one before": png(exif_chunk(tiff(entry(6)))[:-1] + b"?" + exif_chunk(tiff(entry(8)))),
}
FORMATS = {"JPEG": Format.JPG, "PNG": Format.PNG}


@pytest.mark.parametrize("name", PICTURES)
async def test_as_in_chromium(pool: PixelPool, chromium: Shown, tmp_path: Path, name: str) -> None:
    data, format = PICTURES[name], FORMATS[name.partition(",")[0]]
    wanted = await chromium.picture(data, format)
    (tmp_path / "a").write_bytes(data)
    probe = await pool.probe(tmp_path / "a", wait=WAIT, formats=tuple(Format))
    assert (probe.width, probe.height) == wanted.size
    for scale in (1, 2):
        size = (probe.width // scale, probe.height // scale)
        await pool.render(tmp_path / "a", tmp_path / "b", Rendering(format, Format.PNG, *size, 1), wait=WAIT)
        with Image.open(tmp_path / "b") as seen:
            assert seen.size == size
            assert all(map(alike, corners(seen), corners(wanted)))
