"""Decodes base64 as clients write it."""

import binascii
import re
from contextlib import suppress
from urllib.parse import unquote_to_bytes

import pybase64

_BEGINS = re.compile(r"\s*data:", re.IGNORECASE | re.ASCII)
_LONGEST_BEGINNING = 300  # characters
_DATA_URL = re.compile(rb"\s*data:([^,]{0,4096}),", re.IGNORECASE)  # clients put names and titles in its parameters
_LONGEST_PREFIX = 4_400  # bytes
_BLANKS = b" \t\r\n\f\v"
# JPEG, PNG, GIF, RIFF (WebP), and the box that AVIF and HEIC begin with. JSON may escape a slash.
_PICTURE = re.compile(rb"\s*(?:(?i:data:image)|\\?/9j|_9j|iVBORw0KGg|R0lGOD|UklGR|AAAA..Z0eX)")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def is_data_url(text: str) -> bool:
    return _BEGINS.match(text[:_LONGEST_BEGINNING]) is not None


def begins_a_picture(text: bytes) -> bool:
    """Whether these are the first characters of a picture in base64, or of its `data:` URL."""
    return _PICTURE.match(text) is not None


def decoded(text: bytes) -> bytes | None:
    """Decodes either alphabet (RFC 4648, 4 and 5). White space and missing padding are allowed, and percent-encoding
    after `data:` (RFC 2397). None if it is none of these.
    """
    prefix = _DATA_URL.match(text, 0, _LONGEST_PREFIX)
    if prefix is None:
        return _base64(text)
    data = text[prefix.end() :]
    if b"%" in data:
        data = unquote_to_bytes(data)
    if prefix[1].rstrip().lower().endswith(b";base64"):
        return _base64(data)
    found = _base64(data)  # some clients omit `;base64`
    return data if found is None else found


def _base64(text: bytes) -> bytes | None:
    with suppress(binascii.Error):
        return pybase64.b64decode(text, validate=True)
    with suppress(binascii.Error):
        text = text.translate(_URL_SAFE, _BLANKS).rstrip(b"=")
        return pybase64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    return None
