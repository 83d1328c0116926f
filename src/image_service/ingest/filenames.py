"""Picture filenames: from a form, a response or a URL, cleaned for storage and display.

Clients encode non-ASCII names in five ways, all supported here: UTF-8 (browsers, curl, requests), `filename*`
(RFC 8187; .NET, old requests, servers), encoded words (RFC 2047; .NET, mail libraries), percent-encoded UTF-8
(aiohttp), Latin-1 or Windows-1252 (old Java and PHP). Old browsers send a whole Windows path.
"""

import codecs
import encodings
import pkgutil
import re
import unicodedata
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header
from encodings.aliases import aliases
from urllib.parse import unquote_to_bytes, urlsplit

from image_service.pixels.picture import Format

MAX_FILENAME = 255  # characters
EXTENSIONS = {each: (f".{each}",) for each in Format} | {Format.JPG: (".jpg", ".jpeg", ".jpe", ".jfif")}

_BLANKS = b" \t\r\n"
_JOINERS = "\u200c\u200d"
_OUTSIDE = re.compile(rf"^[\s{_JOINERS}]+|[\s{_JOINERS}]+$")
_PARAMETER = re.compile(rb"[\s;]*([^\s;=\"]*)\s*(=?)\s*")
_CLOSING = re.compile(rb"\"\s*(?:;|\Z)")  # a closing quote; others are part of malformed names: `5" screen.jpg`
_EXTENDED = re.compile(rb"([\w.:-]+)'[^']*'(.*)", re.DOTALL)  # charset'language'value
_WORD = r"=\?[^?\s]+\?[bq]\?[^?]*\?="
_WORDS = re.compile(rf"{_WORD}(?:\s*{_WORD})*", re.IGNORECASE)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

# Python's codec names. Untrusted text may use no others: some of Python's codecs (idna, punycode) take quadratic
# time, some are no character sets.
_CHARSETS = re.compile(
    r"ascii|utf-8(?:-sig)?|utf-(?:16|32)(?:-[bl]e)?|iso8859-\d+|iso2022_\w+|cp\d+|koi8-\w|kz1048|mac-\w+|hp-roman8"
    r"|tis-620|ptcp154|shift_jis\w*|euc_\w+|gb2312|gbk|gb18030|hz|big5\w*|johab"
)
# Python remembers each unknown name that it is asked for, without a bound.
_NAMES = aliases.keys() | {module.name for module in pkgutil.iter_modules(encodings.__path__)}


def clean_filename(name: str, format_: Format) -> str:
    """The last segment of a path (Windows' too), without control characters. Keeps joiners within it, which Persian
    words and emoji need.

    An empty result becomes a default by format: `image.jpg`.
    """
    last = re.split(r"[/\\]", name)[-1]
    kept = "".join(char for char in last if char in _JOINERS or unicodedata.category(char)[0] != "C")
    kept = _OUTSIDE.sub("", kept)
    return kept[-MAX_FILENAME:] or f"image.{format_}"


def download_name(filename: str, format_: Format) -> str:
    """`filename` with an extension that matches the bytes, so that a picture viewer opens the file.

    `photo.JPEG` stays. Replaces another format's extension (`a.gif` -> `a.png`), and appends to any other
    (`invoice.html` -> `invoice.html.png`).
    """
    lower = filename.lower()
    if lower.endswith(EXTENSIONS[format_]):
        return filename
    others = [each for extensions in EXTENSIONS.values() for each in extensions if lower.endswith(each)]
    stem = filename[: -len(others[0])] if others else filename
    return f"{stem[: MAX_FILENAME - len(EXTENSIONS[format_][0])]}{EXTENSIONS[format_][0]}"


def filename_of_url(url: str) -> str:
    """The decoded path of a fetched URL; its last segment is the name."""
    return text_of(unquote_to_bytes(urlsplit(url).path))


def filename_of(disposition: Mapping[str, bytes]) -> str:
    """The filename in the `parameters` of a `Content-Disposition`; empty if there is none.

    `filename*` overrides `filename`, which is the fallback for old clients (RFC 6266, 4.3).
    """
    return _extended(disposition.get("filename*", b"")) or _plain(disposition.get("filename", b""))


def parameters(header: bytes) -> dict[str, bytes]:
    """The parameters of a `Content-Disposition`, names in lower case. The first of a repeated one wins.

    A backslash escapes a quote or a backslash, and is literal elsewhere: clients send `C:\\photos\\a.jpg` unescaped.
    """
    found: dict[str, bytes] = {}
    at = 0
    while 0 <= at < len(header):
        match = _PARAMETER.match(header, at)
        assert match is not None  # noqa: S101 - every part of it may be empty
        at = match.end()
        if match[2]:
            value, at = _value(header, at)
            found.setdefault(match[1].decode("latin-1").lower(), value)
        else:
            at = header.find(b";", at)
    return found


def _value(header: bytes, at: int) -> tuple[bytes, int]:
    """A parameter's value, quoted or not, and where it ends."""
    if header[at : at + 1] != b'"':
        end = header.find(b";", at)
        end = len(header) if end < 0 else end
        return header[at:end].strip(_BLANKS), end
    value = bytearray()
    at += 1
    while at < len(header) and not _CLOSING.match(header, at):
        if header[at : at + 1] == b"\\" and header[at + 1 : at + 2] in (b'"', b"\\"):
            at += 1
        value += header[at : at + 1]
        at += 1
    return bytes(value), at + 1


def _extended(value: bytes) -> str:
    """`UTF-8''%C3%91and%C3%BA.jpg` (RFC 8187, 3.2); empty if it cannot be read."""
    match = _EXTENDED.fullmatch(value)
    return (match and decoded(unquote_to_bytes(match[2]), match[1].decode("latin-1"))) or ""


def _plain(value: bytes) -> str:
    text = text_of(value)
    if _WORDS.search(text):
        return _WORDS.sub(_words_decoded, text)
    # Browsers encode only `"`, CR and LF; aiohttp encodes all non-ASCII.
    if not _BAD_ESCAPE.search(text) and (name := decoded(unquote_to_bytes(text), "utf-8")) is not None:
        return name
    return text.replace("%22", '"')


def _words_decoded(words: re.Match[str]) -> str:
    """`=?utf-8?B?w5FhbmTDui5qcGc=?=` (RFC 2047), one or more; unchanged if they cannot be decoded."""
    try:
        # Python joins the bytes of words with one character set: some clients split a character across two.
        parts = [decoded(raw, (charset or "").partition("*")[0]) for raw, charset in decode_header(words[0])]
    except (HeaderParseError, AttributeError):  # invalid base64; or plain text, not a word
        return words[0]
    return words[0] if None in parts else "".join(filter(None, parts))


def text_of(raw: bytes) -> str:
    """Decodes UTF-8, else Windows-1252: text that is not UTF-8 is most likely that or its subset Latin-1."""
    text = decoded(raw, "utf-8")
    return raw.decode("cp1252", "replace") if text is None else text


def decoded(raw: bytes, charset: str) -> str | None:
    """The text in this character set, by any of its names; None if the name is unknown or the bytes do not fit it."""
    try:
        if encodings.normalize_encoding(charset).lower() not in _NAMES:
            return None
        codec = codecs.lookup(charset).name
        return raw.decode(codec) if _CHARSETS.fullmatch(codec) else None
    except (LookupError, ValueError):  # ValueError: invalid bytes, or an invalid name of a character set
        return None
