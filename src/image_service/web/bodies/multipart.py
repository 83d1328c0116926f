"""`multipart/form-data` as a stream (RFC 7578): text fields into memory, the `file` and pictures in base64 straight
to disk.

More lenient than the RFC only where real clients deviate: whole Windows paths as file names, a closing boundary
without CRLF before it, transfer encodings, text before the first boundary. Refuses a body cut before its closing
boundary, and one with bare LF line ends, since a picture's bytes may look like such a line.
"""

import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from image_service.errors import InvalidField, OverfullForm
from image_service.ingest.filenames import decoded, filename_of, parameters, text_of
from image_service.ingest.receiving import Receiver
from image_service.web.bodies.transfer import Decoder, Plain, decoder_of

MAX_PARTS = 20  # the widest form has 9 fields
MAX_PART_HEADERS = 8  # RFC 7578, 4.8 uses one or two
MAX_PART_HEAD_BYTES = 8 * 1024  # of names and values; a path of PATH_MAX (4,096) fits as the file's name
MAX_FIELD_BYTES = 64 * 1024  # alt texts in many languages
MAX_BOUNDARY = 70  # RFC 2046, 5.1.1
MAX_PREAMBLE_BYTES = 8 * 1024  # "This is a multi-part message in MIME format."
OVERHEAD_BYTES = 1024 * 1024  # allowed in a form besides its file
_CHARSET = "_charset_"  # a field that names the others' character set (RFC 7578, 4.6)
_BREAKS = 4  # bytes: two CRLF after the closing boundary


@dataclass
class Form:
    fields: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)  # fields that cannot be decoded, and why
    long: dict[str, Receiver] = field(default_factory=dict)  # fields that are pictures, too long for memory
    file: Receiver | None = None
    filename: str = ""
    other_file: str | None = None  # the name of an unexpected file


@dataclass
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)  # names in lower case
    name: str = ""
    filename: str = ""
    file: Receiver | None = None  # where its bytes go; None: into `value`
    value: bytearray = field(default_factory=bytearray)
    decoder: Decoder = field(default_factory=Plain)
    held: bytes = b""  # the last bytes: maybe a closing boundary without its CRLF


def boundary_of(content_type: str) -> bytes | None:
    """None unless this is `multipart/form-data` with a usable boundary."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    return boundary if kind == b"multipart/form-data" and 0 < len(boundary) <= MAX_BOUNDARY else None


async def read_form(
    chunks: AsyncIterator[bytes],
    boundary: bytes,
    receive: Callable[[str], Awaitable[Receiver]],
    is_picture: Callable[[str, bytes], bool],
    within: str = "",
) -> Form:
    """`receive` opens the file on disk for the part named `file`, and for a long field that `is_picture`, by its name
    and first bytes. Fields may be written as those of the object `within`: `image[alt]` is `alt`.

    Raises `OverfullForm` beyond the limits above, `InvalidField` (`file`) if the form is malformed, cut short or has
    two files, and what the receiver raises.
    """
    reader = _Reader(boundary, receive, is_picture, within)
    async for chunk in chunks:
        await reader.feed(chunk)
    return await reader.finish()


class _Reader:
    """The parser's callbacks are synchronous, but disk writes are not: records the calls, then handles them."""

    def __init__(
        self,
        boundary: bytes,
        receive: Callable[[str], Awaitable[Receiver]],
        is_picture: Callable[[str, bytes], bool],
        within: str,
    ) -> None:
        self._closing = b"--" + boundary + b"--"
        self._first = re.compile(rb"(?:\A|\n)(--%s)(?=[\r\n \t-])" % re.escape(boundary))
        self._preamble: bytes | None = b""  # None: it has ended
        self._receive = receive
        self._is_picture = is_picture
        self._within = re.compile(rf"{within}\[(\w+)\](.*)", re.DOTALL) if within else None
        self._form = Form()
        self._part: _Part | None = None
        self._parts = 0
        self._texts: dict[str, tuple[bytes, str]] = {}  # with the character set that the part declares
        self._closed = False
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers = self._head_bytes = 0  # of this part
        self._noted: list[tuple[str, memoryview]] = []

        def note(event: str) -> Callable[[], None]:
            return lambda: self._noted.append((event, memoryview(b"")))

        def note_data(event: str) -> Callable[[bytes, int, int], None]:
            return lambda data, start, end: self._noted.append((event, memoryview(data)[start:end]))

        callbacks: Any = {
            f"on_{event}": note(event) for event in ("part_begin", "header_end", "headers_finished", "part_end", "end")
        } | {f"on_{event}": note_data(event) for event in ("header_field", "header_value", "part_data")}
        # The parser reports excess as malformed, so this class checks the limits of a part's head.
        self._parser = MultipartParser(boundary, callbacks, max_header_count=sys.maxsize, max_header_size=sys.maxsize)

    async def feed(self, chunk: bytes) -> None:
        malformed: MultipartParseError | None = None
        if self._preamble is not None:
            chunk = self._begun(self._preamble + chunk)
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            malformed = error
        noted, self._noted = self._noted, []
        for event, data in noted:
            await self._on(event, data)
        if malformed is not None:
            raise InvalidField("file", "is in a malformed form") from malformed

    def _begun(self, text: bytes) -> bytes:
        """The text from the first boundary on; empty before it. The preamble is ignored (RFC 2046, 5.1.1)."""
        match = self._first.search(text)
        if (len(text) if match is None else match.start()) > MAX_PREAMBLE_BYTES:
            raise InvalidField("file", "is in a malformed form")
        if match is None:
            self._preamble = text
            return b""
        if text[match.end() : match.end() + 1] == b"\n":
            raise InvalidField("file", "is in a form whose lines end in LF alone: they must end in CRLF")
        self._preamble = None
        return text[match.start(1) :]

    async def _on(self, event: str, data: memoryview) -> None:
        match event:
            case "part_begin":
                self._begin()
            case "header_field":
                self._head(0, data)
            case "header_value":
                self._head(1, data)
            case "header_end":
                self._end_header()
            case "headers_finished":
                await self._open()
            case "part_data":
                await self._data(data)
            case "part_end":
                await self._end(self._current.held)
            case "end":
                self._closed = True

    @property
    def _current(self) -> _Part:
        if self._part is None:
            raise InvalidField("file", "is in a malformed form")
        return self._part

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise OverfullForm("too many parts")
        self._part = _Part()
        self._headers = self._head_bytes = 0

    def _head(self, place: int, data: memoryview) -> None:
        self._head_bytes += len(data)
        if self._head_bytes > MAX_PART_HEAD_BYTES:
            raise OverfullForm("a part with too long a head")
        self._header[place].extend(data)

    def _end_header(self) -> None:
        name, value = self._header
        self._current.headers[name.decode("latin-1").lower()] = bytes(value)
        self._headers += 1
        if self._headers > MAX_PART_HEADERS:
            raise OverfullForm("a part with too many headers")
        self._header = (bytearray(), bytearray())

    async def _open(self) -> None:
        part = self._current
        disposition = parameters(part.headers.get("content-disposition", b""))
        part.name = text_of(disposition.get("name", b""))
        part.filename = filename_of(disposition)
        inner = self._within.fullmatch(part.name) if self._within else None
        if inner and (inner[1] == "file" or not part.filename):
            part.name = inner[1] + inner[2]
        part.decoder = decoder_of(part.headers.get("content-transfer-encoding", b""))
        if part.name != "file":
            if part.filename:
                self._form.other_file = part.name
            return
        # A part with a file name takes precedence, in any order: FilePond sends a text of the same name before each
        # file, and a page's empty second input sends an empty file after it.
        has_name, had_name = bool(part.filename), bool(self._form.filename)
        if self._form.file is not None and has_name == had_name:
            raise InvalidField("file", "must be a single file")
        if self._form.file is None or has_name:
            part.file = self._form.file = await self._receive("file")
            self._form.filename = part.filename

    async def _data(self, data: memoryview) -> None:
        """Store all but the last bytes. Long data is copied once only, into the file's buffer."""
        part = self._current
        held = len(self._closing) + _BREAKS
        if len(data) < held:
            data = memoryview(part.held + data)
        else:
            await self._store(part, part.decoder.feed(part.held))
        part.held = bytes(data[-held:])
        await self._store(part, part.decoder.feed(data[:-held]))

    async def _store(self, part: _Part, data: bytes | memoryview) -> None:
        if part.file is not None:
            await part.file.write(data)
        elif not part.filename:  # an unexpected file is skipped
            part.value += data
            if len(part.value) > MAX_FIELD_BYTES:
                start = bytes(part.value)
                if not self._is_picture(part.name, start):
                    raise OverfullForm("too long a field")
                part.file = await self._receive(part.name)
                await part.file.write(start)

    async def _end(self, rest: bytes) -> None:
        part = self._current
        await self._store(part, part.decoder.feed(rest))
        await self._store(part, part.decoder.finish())
        if part.file is not None and part.name != "file":
            self._form.long[part.name] = part.file
            self._texts.pop(part.name, None)
        elif part.file is None and not part.filename:
            self._form.long.pop(part.name, None)
            _, options = parse_options_header(part.headers.get("content-type", b""))
            self._texts[self._numbered(part.name)] = bytes(part.value), options.get(b"charset", b"").decode("latin-1")
        self._part = None

    def _numbered(self, name: str) -> str:
        """`alt[]` is the next entry of a list, as in PHP: `alt[0]`, `alt[1]`, …"""
        if not name.endswith("[]"):
            return name
        return next(each for n in range(MAX_PARTS) if (each := f"{name[:-2]}[{n}]") not in self._texts)

    def _decode(self) -> None:
        """A field that cannot be decoded matters only to a route that knows it."""
        raw, _ = self._texts.get(_CHARSET, (b"", ""))
        default = raw.decode("latin-1").strip() or "utf-8"
        for name, (value, declared) in self._texts.items():
            text = decoded(value, declared or default)
            if text is not None:
                self._form.fields[name] = text
            elif not declared and default == "utf-8":
                self._form.unreadable[name] = "is not UTF-8"
            else:
                self._form.unreadable[name] = "cannot be read in the charset that the form declares"

    async def finish(self) -> Form:
        if not self._closed:
            # Some clients omit the CRLF before the closing boundary, which then looks like data.
            held = self._part.held if self._part else b""
            match = re.search(re.escape(self._closing) + rb"(\r\n)*\Z", held)
            if match is None:
                raise InvalidField("file", "was cut short")
            await self._end(held[: match.start()])
        self._decode()
        return self._form
