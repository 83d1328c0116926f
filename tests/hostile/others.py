"""What is no GIF, JPEG or PNG, whatever it is called, and good pictures under wrong names."""

import gzip
import struct
from collections.abc import Iterator

from tests.hostile import jpeg, png
from tests.hostile.picture import HTML, Hostile, accept, archive, encoded, noise, reject

SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10">'
    b"<script>alert(1)</script></svg>"
)
XXE = (
    b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&x;</text></svg>'
)
MVG = b"push graphic-context\nviewbox 0 0 640 480\nimage over 0,0 0,0 'https://127.0.0.1/x'\npop graphic-context"


def others() -> Iterator[Hostile]:
    yield reject("other-svg.png", SVG, "SVG")
    yield reject("other-svg-xxe.png", XXE, "XXE")
    yield reject("other-html.jpg", HTML, "HTML")
    yield reject("other-zip.gif", archive(), "ZIP")
    yield reject("other-pdf.png", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>", "PDF")
    yield reject("other-ps.jpg", b"%!PS\nuserdict /setpagedevice undef", "PostScript")
    yield reject("other-mvg.png", MVG, "ImageTragick")
    yield reject("other-text.png", b"hello", "text")
    yield reject("other-1byte.png", b"\x89", "one byte")
    yield reject("other-empty.png", b"", "empty")
    yield reject("other-random.jpg", noise(5000), "noise")
    yield reject("other-nul.png", bytes(5000), "NULs")
    for format in ("BMP", "TIFF", "WEBP", "ICO", "PPM", "TGA", "JPEG2000"):
        yield reject(f"other-{format.lower()}.png", encoded(format), format)
    yield reject("other-vips.png", b"\xb6\xa6\xf2\x08" + struct.pack(">iii", 8, 8, 1) + bytes(300), "libvips' own")
    yield reject("other-avif-head.png", b"\0\0\0\x20ftypavif\0\0\0\0avifmif1" + bytes(200), "AVIF")
    yield reject("other-gzip.png", gzip.compress(SVG, mtime=0), "SVGZ")
    yield reject("other-elf.png", b"\x7fELF" + bytes(200), "ELF")
    yield reject("other-php.gif", b"GIF89a<?php system($_GET[0]);?>", "PHP with a GIF's magic")
    yield accept("mismatch-jpeg-named.png", jpeg.GOOD, "a JPEG named .png: the bytes decide")
    yield accept("mismatch-png-named.gif", png.GOOD, "a PNG named .gif")
