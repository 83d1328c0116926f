"""Names the format of unsupported files, for the error message."""

import re

from image_service.errors import Kind

HEAD_BYTES = 1024  # of a text, which must contain the start of its root element

# Offset, magic bytes, kind.
MAGIC = (
    (0, b"%PDF-", Kind.PDF),
    (0, b"II*\0", Kind.TIFF),  # camera raw files too: DNG, CR2, NEF, ARW
    (0, b"MM\0*", Kind.TIFF),
    (0, b"II+\0", Kind.TIFF),
    (0, b"MM\0+", Kind.TIFF),
    (0, b"8BPS", Kind.PHOTOSHOP),
    (0, b"%!PS", Kind.POSTSCRIPT),
    (0, b"\xc5\xd0\xd3\xc6", Kind.POSTSCRIPT),
    (0, b"\0\0\1\0", Kind.ICON),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", Kind.JPEG_XL),
    (0, b"\xff\x0a", Kind.JPEG_XL),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", Kind.JPEG_2000),
    (0, b"\xff\x4f\xff\x51", Kind.JPEG_2000),
    (0, b"PK\3\4", Kind.ZIP),
    (0, b"\x1a\x45\xdf\xa3", Kind.VIDEO),  # Matroska, WebM
    (0, b"FLV\1", Kind.VIDEO),
    (0, b"\0\0\1\xba", Kind.VIDEO),  # MPEG
    (0, b"\0\0\1\xb3", Kind.VIDEO),
    (8, b"AVI ", Kind.VIDEO),
    (8, b"WEBP", Kind.WEBP),
    (4, b"moov", Kind.VIDEO),  # QuickTime without `ftyp`
    (4, b"mdat", Kind.VIDEO),
    (4, b"wide", Kind.VIDEO),
)
# By the major brand of an ISO media file. Other brands are videos.
BRANDS = {
    b"avif": Kind.AVIF,
    b"avis": Kind.AVIF,
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), Kind.HEIC),
    b"jp2 ": Kind.JPEG_2000,
    b"jxl ": Kind.JPEG_XL,
    b"crx ": Kind.TIFF,
}
BMP = re.compile(rb"BM.{13}\0\0\0", re.DOTALL)  # its second header is less than 256 bytes long
SVG = re.compile(rb"<svg[\s/>]|<!doctype\s+svg", re.IGNORECASE)
WEB_PAGE = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script)\b", re.IGNORECASE | re.DOTALL)


def kind_of(data: bytes) -> Kind | None:
    """Return the kind of file; None if unknown."""
    if data.startswith(b"ftyp", 4):
        return BRANDS.get(data[8:12], Kind.VIDEO)
    for offset, magic, kind in MAGIC:
        if data.startswith(magic, offset):
            return kind
    if BMP.match(data):
        return Kind.BMP
    head = data[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf")
    if head.lstrip().startswith(b"<"):
        if WEB_PAGE.match(head):
            return Kind.WEB_PAGE
        if SVG.search(head):
            return Kind.SVG
    return None
