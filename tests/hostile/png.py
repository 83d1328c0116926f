"""PNGs: bombs, lies, truncations, floods of chunks, cargo behind the end."""

import io
import struct
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.hostile.picture import HTML, Hostile, accept, archive, cut, either, encoded, noise, reject

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6  # colour types
PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # Adam7


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    checksum = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


IEND = chunk(b"IEND", b"")


def ihdr(width: int, height: int, depth: int = 8, colour: int = RGB, interlace: int = 0) -> bytes:
    return struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)


def rows(width: int, height: int, channels: int = 3) -> bytes:
    line = [bytes((x * 7 + y * 3 + c) & 255 for x in range(width) for c in range(channels)) for y in range(height)]
    return b"".join(b"\0" + each for each in line)


PIXELS = zlib.compress(rows(32, 32))


def zeros(count: int) -> bytes:
    """`count` zero bytes, deflated: one megabyte of them again and again, so that gigabytes take no time to make."""
    block = 1 << 20
    deflate = zlib.compressobj(9, wbits=-15)
    one = deflate.compress(bytes(block)) + deflate.flush(zlib.Z_FULL_FLUSH)
    last = zlib.compressobj(9, wbits=-15)
    rest = last.compress(bytes(count % block)) + last.flush()
    adler = (count % 65521) << 16 | 1
    return b"\x78\xda" + one * (count // block) + rest + struct.pack(">I", adler)


def interlaced_bytes(width: int, height: int, channels: int = 3) -> int:
    total = 0
    for x, y, dx, dy in PASSES:
        wide, high = (width - x + dx - 1) // dx, (height - y + dy - 1) // dy
        total += high * (1 + wide * channels) if wide > 0 and high > 0 else 0
    return total


def png(
    width: int = 32,
    height: int = 32,
    depth: int = 8,
    colour: int = RGB,
    extra: bytes = b"",
    idat: bytes = PIXELS,
    interlace: int = 0,
) -> bytes:
    head = chunk(b"IHDR", ihdr(width, height, depth, colour, interlace))
    return SIGNATURE + head + extra + chunk(b"IDAT", idat) + IEND


GOOD = png()


def pngs() -> Iterator[Hostile]:
    yield from _good()
    yield from _bombs()
    yield from _lies()
    yield from _damage()
    yield from _chunks()
    yield from _cargo()


def _good() -> Iterator[Hostile]:
    yield accept("png-good-rgb.png", GOOD, "plain")
    for mode in ("L", "LA", "RGBA", "P", "1"):
        yield accept(f"png-good-{mode}.png", encoded("PNG", mode), mode)
    yield accept("png-good-16bit.png", encoded("PNG", "I;16"), "16-bit grey")
    deep = zlib.compress(b"".join(b"\0" + noise(64) for _ in range(8)))
    yield accept("png-good-16bit-rgba.png", png(8, 8, 16, RGBA, idat=deep), "16-bit RGBA")
    yield accept("png-good-1x1.png", png(1, 1, idat=zlib.compress(rows(1, 1))), "1x1")
    plain = zeros(interlaced_bytes(32, 32))
    yield accept("png-good-interlaced.png", png(idat=plain, interlace=1), "Adam7")
    exif = b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"
    yield accept("png-good-eXIf-gps.png", png(extra=chunk(b"eXIf", exif)), "orientation 6 in eXIf")
    yield accept("png-good-40mp-1bit.png", png(8000, 5000, 1, GREY, idat=zeros(5000 * 1001)), "40 MP in a few KB")
    bytewise = b"".join(chunk(b"IDAT", bytes([byte])) for byte in PIXELS)
    yield accept("png-idat-split-1byte.png", SIGNATURE + chunk(b"IHDR", ihdr(32, 32)) + bytewise + IEND, "1-byte IDATs")
    frames = [Image.new("RGB", (64, 64), (number % 255, 0, 0)) for number in range(300)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    yield accept("png-apng-300.png", buffer.getvalue(), "APNG of 300 frames, of which the first counts")


def _bombs() -> Iterator[Hostile]:
    yield reject("png-bomb-50kx50k-1bit.png", png(50000, 50000, 1, GREY, idat=zeros(50000 * 6251)), "2.5 gigapixels")
    yield reject("png-bomb-20kx20k-rgb.png", png(20000, 20000, idat=zeros(20000 * 60001)), "400 MP, 1.2 GB raw")
    most = png(8000, 8000, 8, RGBA, idat=zeros(interlaced_bytes(8000, 8000, 4)), interlace=1)
    yield reject("png-bomb-interlaced-8kx8k.png", most, "64 MP RGBA interlaced: libpng must hold it whole")
    edge = png(7000, 7000, 8, RGBA, idat=zeros(interlaced_bytes(7000, 7000, 4)), interlace=1)
    yield accept("png-edge-interlaced-7kx7k.png", edge, "49 MP RGBA interlaced: the dearest legal one")
    deep = png(7000, 7000, 16, RGBA, idat=zeros(7000 * 56001))
    yield accept("png-bomb-16bit-7kx7k-rgba.png", deep, "49 MP of 16-bit RGBA, 392 MB raw: legal by its pixels")
    yield reject("png-thin-1x10000000.png", png(1, 10_000_000, 8, GREY, idat=zeros(20_000_000)), "side too long")
    yield reject("png-thin-10000000x1.png", png(10_000_000, 1, 8, GREY, idat=zeros(10_000_001)), "side too long")
    yield either("png-idat-excess-100mb.png", png(idat=zeros(100_000_000)), "100 MB of excess IDAT data")
    yield either("png-ztxt-bomb-900mb.png", png(extra=chunk(b"zTXt", b"k\0\0" + zeros(900_000_000))), "text of 900 MB")
    international = chunk(b"iTXt", b"k\0\1\0\0\0" + zeros(900_000_000))
    yield either("png-itxt-bomb-900mb.png", png(extra=international), "text of 900 MB")
    yield either("png-iccp-bomb-900mb.png", png(extra=chunk(b"iCCP", b"icc\0\0" + zeros(900_000_000))), "ICC of 900 MB")
    capped = zeros(7_900_000)
    texts = [chunk(b"iTXt", b"k%d\0\1\0\0\0" % number + capped) for number in range(1250)]
    yield either(
        "png-itxt-many-20x50mb.png", png(extra=b"".join(texts[:100])), "100 texts, each under libpng's 8 MB cap"
    )
    yield reject("png-itxt-many-1250x7.9mb.png", png(extra=b"".join(texts)), "1,250 texts: 10 GB to inflate")


def _lies() -> Iterator[Hostile]:
    yield reject("png-lie-50kx50k-nodata.png", png(50000, 50000), "the header lies")
    yield either("png-lie-smaller-header.png", png(8, 8), "more data than the header says")
    yield reject("png-lie-bigger-header.png", png(64, 64), "less data than the header says")
    yield reject("png-dims-2g.png", png(2**31 - 1, 2**31 - 1), "2^31-1")
    yield reject("png-dims-0.png", png(0, 10), "zero width")
    yield reject("png-depth-3.png", png(depth=3), "bit depth 3")
    indexed = zlib.compress(rows(32, 32, 1))
    yield reject("png-no-plte.png", png(colour=PALETTE, idat=indexed), "palette image without PLTE")


def _damage() -> Iterator[Hostile]:
    big = encoded("PNG", "RGB", (400, 300))
    yield reject("png-trunc-half.png", big[: len(big) // 2], "cut in IDAT")
    yield reject("png-trunc-lastbytes.png", big[:-20], "cut in the last IDAT bytes")
    yield reject("png-trunc-ihdr.png", GOOD[:33], "only IHDR")
    yield reject("png-trunc-sig.png", SIGNATURE, "only the signature")
    yield accept("png-no-iend.png", GOOD[:-12], "no IEND, pixels whole")
    data = GOOD.index(b"IDAT") + 4
    behind = data + len(PIXELS)
    yield reject("png-crc-idat.png", GOOD[:behind] + bytes(4) + GOOD[behind + 4 :], "bad CRC of IDAT")
    yield reject("png-crc-ihdr.png", SIGNATURE + chunk(b"IHDR", ihdr(32, 32), 1) + GOOD[33:], "bad CRC of IHDR")
    yield either("png-crc-text.png", png(extra=chunk(b"tEXt", b"a\0b", 5)), "bad CRC of an ancillary chunk")
    spot = data + 36
    yield reject("png-flip-idat.png", GOOD[:spot] + bytes([GOOD[spot] ^ 255]) + GOOD[spot + 1 :], "one byte flipped")
    yield reject("png-zlib-header.png", png(idat=bytes(2) + PIXELS[2:]), "bad zlib header")
    yield either("png-adler.png", png(idat=PIXELS[:-4] + bytes(4)), "bad Adler-32, pixels intact")


def _chunks() -> Iterator[Hostile]:
    garbage = chunk(b"iCCP", b"icc\0\0" + zlib.compress(b"not a profile" * 50))
    yield either("png-iccp-garbage.png", png(extra=garbage), "garbage as ICC")
    yield either("png-chunks-500k.png", png(extra=chunk(b"tEXt", b"a\0b") * 500_000), "500,000 texts")
    yield reject("png-unknown-critical.png", png(extra=chunk(b"ABCD", b"x")), "unknown critical chunk")
    endless = struct.pack(">I", 0x7FFFFFFF) + b"tEXt" + b"a" * 100
    yield reject("png-chunklen-2g.png", SIGNATURE + chunk(b"IHDR", ihdr(32, 32)) + endless, "chunk of 2^31-1 bytes")


def _cargo() -> Iterator[Hostile]:
    yield cut("png-tail-zip.png", GOOD, archive(), "also a ZIP")
    yield cut("png-tail-html.png", GOOD, HTML, "HTML behind it")
    yield cut("png-tail-second-png.png", GOOD, GOOD, "a second PNG behind it")
    yield cut("png-tail-5mb.png", GOOD, noise(5_000_000), "5 MB of hidden cargo")
    yield accept("png-text-html.png", png(extra=chunk(b"tEXt", b"Comment\0" + HTML)), "HTML in a text")
    php = chunk(b"prVt", b"<?php system($_GET[0]); ?>")
    yield accept("png-private-chunk-php.png", png(extra=php), "PHP in a private chunk")
