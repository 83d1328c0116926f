"""JPEGs: lying frames, floods of scans and segments, broken tables, what phones put behind the end."""

import io
import struct
from collections.abc import Iterator

from PIL import Image

from tests.hostile.picture import HTML, Hostile, accept, archive, cut, either, encoded, noise, reject

GOOD = encoded("JPEG", "RGB", (320, 240), quality=85)
SOS = GOOD.index(b"\xff\xda")
EOI = GOOD.rindex(b"\xff\xd9")
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
LOOP = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0\x08\0\0\0"


def segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def with_segments(*segments: bytes) -> bytes:
    return GOOD[:2] + b"".join(segments) + GOOD[2:]


def framed(width: int, height: int, precision: int = 8) -> bytes:
    """The good one with another size in its SOF0."""
    at = GOOD.index(b"\xff\xc0") + 4
    return GOOD[:at] + struct.pack(">BHH", precision, height, width) + GOOD[at + 5 :]


def overwritten(*patches: tuple[int, bytes]) -> bytes:
    data = bytearray(GOOD)
    for at, patch in patches:
        data[at : at + len(patch)] = patch
    return bytes(data)


def scan_bomb(width: int, height: int, scans: int) -> bytes:
    """Grey and progressive: one DC scan, then AC scans of nothing but runs of empty blocks, of a few bytes each."""
    one_code = bytes([1] + [0] * 15)
    tables = segment(0xC4, b"\x00" + one_code + b"\0") + segment(0xC4, b"\x10" + one_code + b"\xe0")  # AC: EOB14
    blocks = ((width + 7) // 8) * ((height + 7) // 8)
    bits = ("0" + "1" * 14) * (blocks // 32767 + 1)  # each a run of 32,767
    bits += "1" * (-len(bits) % 8)
    runs = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\0")
    head = b"\xff\xd8" + segment(0xDB, b"\0" + b"\1" * 64)
    head += segment(0xC2, struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0") + tables
    dc = segment(0xDA, b"\1\1\0\0\0\0") + bytes(blocks // 8 + 1)
    return head + dc + (segment(0xDA, b"\1\1\0\1\x3f\0") + runs) * scans + b"\xff\xd9"


def jpegs() -> Iterator[Hostile]:
    yield from _good()
    yield from _lies()
    yield from _damage()
    yield from _segments()
    yield from _cargo()
    yield from _scans()


def _good() -> Iterator[Hostile]:
    yield accept("jpg-good.jpg", GOOD, "baseline")
    yield accept("jpg-good-progressive.jpg", encoded("JPEG", "RGB", (320, 240), progressive=True), "progressive")
    yield accept("jpg-good-grey.jpg", encoded("JPEG", "L"), "grey")
    yield accept("jpg-good-cmyk.jpg", encoded("JPEG", "CMYK"), "Adobe's CMYK")
    yield accept("jpg-good-exif-orient6.jpg", with_segments(segment(0xE1, TURNED)), "orientation 6")
    exif = Image.Exif()
    exif[0x0112] = 3
    place = exif.get_ifd(0x8825)
    place[1], place[2] = "N", (52.0, 13.0, 1.0)
    yield accept("jpg-good-gps.jpg", encoded("JPEG", exif=exif.tobytes()), "GPS")
    comments = [segment(0xFE, b"x" * 65000)] * 20
    yield accept("jpg-good-no-eoi-garbage-before-sos.jpg", with_segments(*comments), "1.3 MB of comments")


def _lies() -> Iterator[Hostile]:
    yield reject("jpg-lie-65500.jpg", framed(65500, 65500), "SOF says 65500x65500")
    yield reject("jpg-lie-6000.jpg", framed(6000, 6000), "SOF says 36 MP, the data are 0.08")
    yield either("jpg-lie-smaller.jpg", framed(64, 48), "SOF says less than the data")
    yield reject("jpg-dims-0.jpg", framed(320, 0), "height 0, to be told later (DNL)")
    yield reject("jpg-12bit.jpg", framed(320, 240, 12), "precision 12 in a baseline frame")


def _damage() -> Iterator[Hostile]:
    yield reject("jpg-trunc-half.jpg", GOOD[: len(GOOD) // 2], "cut in the scan")
    yield reject("jpg-trunc-99.jpg", GOOD[:-30], "last 30 bytes gone")
    yield reject("jpg-trunc-sos.jpg", GOOD[:SOS], "nothing from SOS on")
    yield reject("jpg-trunc-soi.jpg", b"\xff\xd8\xff", "three bytes")
    yield accept("jpg-no-eoi.jpg", GOOD[:-2], "EOI missing, pixels whole")
    dqt = GOOD.index(b"\xff\xdb")
    behind = dqt + 2 + int.from_bytes(GOOD[dqt + 2 : dqt + 4], "big")
    yield reject("jpg-no-dqt.jpg", GOOD[:dqt] + GOOD[behind:], "no quantisation table")
    yield either("jpg-entropy-zeroed.jpg", overwritten((SOS + 200, bytes(60))), "60 zero bytes in the scan")
    dots = [(at, b"\x55") for at in range(SOS + 100, len(GOOD) - 10, 97)]
    yield either("jpg-entropy-noise.jpg", overwritten(*dots), "noise in the scan")
    yield reject("jpg-early-eoi.jpg", overwritten((SOS + 300, b"\xff\xd9")), "EOI in the middle")
    stray = GOOD[:EOI] + b"\x12\x34\x56" + GOOD[EOI:]
    yield accept("jpg-extraneous-bytes.jpg", stray, "stray bytes before EOI, as there are in the wild")


def _segments() -> Iterator[Hostile]:
    icc = b"ICC_PROFILE\0"
    garbage = segment(0xE2, icc + b"\1\1" + b"garbage" * 100)
    yield either("jpg-icc-garbage.jpg", with_segments(garbage), "garbage as ICC")
    parts = [segment(0xE2, icc + bytes([number, 120]) + noise(65000)) for number in range(1, 121)]
    yield either("jpg-icc-16mb-claims.jpg", with_segments(*parts), "ICC of 7.8 MB in 120 parts")
    yield accept("jpg-exif-loop.jpg", with_segments(segment(0xE1, LOOP)), "a directory that points to itself")
    yield either("jpg-exif-garbage.jpg", with_segments(segment(0xE1, b"Exif\0\0" + noise(5000))), "garbage as EXIF")
    yield accept("jpg-com-html.jpg", with_segments(segment(0xFE, HTML)), "HTML in a comment")


def _cargo() -> Iterator[Hostile]:
    yield cut("jpg-tail-zip.jpg", GOOD, archive(), "also a ZIP")
    yield cut("jpg-tail-html.jpg", GOOD, HTML, "HTML behind it")
    yield cut("jpg-tail-null-1k.jpg", GOOD, bytes(1024), "zeros behind it: cameras do this")
    yield cut("jpg-tail-mpo.jpg", GOOD, GOOD, "a second JPEG behind it: phones do this")


def _scans() -> Iterator[Hostile]:
    yield either("jpg-bomb-scans-50.jpg", scan_bomb(7000, 7000, 50), "49 MP, 50 scans")
    yield reject("jpg-bomb-scans-10000.jpg", scan_bomb(7000, 7000, 10_000), "49 MP, 10,000 scans: 40 s of decoding")
    yield reject("jpg-bomb-scans-2000-small.jpg", scan_bomb(1000, 1000, 2_000), "1 MP, 2,000 scans")
    buffer = io.BytesIO()
    Image.new("RGB", (7000, 7000), (200, 30, 90)).save(buffer, "JPEG", progressive=True, quality=60)
    yield accept("jpg-edge-49mp-progressive.jpg", buffer.getvalue(), "49 MP progressive: libjpeg holds it all")
