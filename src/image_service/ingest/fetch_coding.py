"""Decodes a `Content-Encoding` if the bytes confirm it.

The request asks for none. But some buckets store compressed objects, and many more label objects with a value that is
no HTTP coding (`base64`, `aws-chunked`, `utf-8`) or does not match the bytes. Browsers accept all of these. So the
label is only a hint.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

PIECE = 64 * 1024  # bytes of output at a time: a millisecond of the event loop
MAX_CODINGS = 2  # nested
# A gzip file may have several members: block gzip makes 160 of 10 MB. Each costs as much as some 10 kB.
MAX_MEMBERS = 1000

_HEAD = 12  # bytes that identify the format
# No coding starts like these: JPEG, PNG, GIF, WebP, and AVIF's family.
_PICTURE = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|....ftyp", re.DOTALL)
_GZIP = b"\x1f\x8b"


class Undecodable(Exception):
    """The body does not match its coding."""


class TooLarge(Exception):
    """The output exceeds the limit."""


class ContentDecoder:
    """Decodes one body. The output comes in pieces, some of them empty, so that the caller can yield in between."""

    def __init__(self, header: str, max_bytes: int) -> None:
        """Raises `Undecodable` for more than `MAX_CODINGS` codings."""
        names = [name.strip().lower().removeprefix("x-") for name in header.split(",")]
        known = [name for name in reversed(names) if name in ("gzip", "deflate", "br")]  # the last was applied last
        if len(known) > MAX_CODINGS:
            raise Undecodable("too many codings")
        self.needs_memory = "br" in known  # up to 16 MB
        self._stages = [_Stage(name, max_bytes) for name in known]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises `Undecodable`, `TooLarge`; so does `finish`."""
        return self._through(0, data)

    def finish(self) -> Iterator[bytes]:
        """Yields the buffered rest. Accepts a truncated coding: the picture is checked later."""
        for number, stage in enumerate(self._stages):
            for piece in stage.finish():
                yield from self._through(number + 1, piece)

    def _through(self, number: int, data: bytes) -> Iterator[bytes]:
        if number == len(self._stages):
            yield data
            return
        for piece in self._stages[number].feed(data):
            yield from self._through(number + 1, piece)


class _Stage:
    """One coding, or none if the bytes lack it."""

    def __init__(self, coding: str, max_bytes: int) -> None:
        self._coding = coding
        self._left = max_bytes
        self._head: bytes | None = b""  # None: the decoder is known
        self._decoder: _Decoder = _Plain()

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._head is not None:
            self._head += data
            if len(self._head) < _HEAD:
                return
            data = self._begin(self._head)
        yield from self._decoded(data)

    def finish(self) -> Iterator[bytes]:
        if self._head:
            yield from self._decoded(self._begin(self._head))

    def _begin(self, head: bytes) -> bytes:
        self._head = None
        self._decoder = _decoder_of(self._coding, head)
        return head

    def _decoded(self, data: bytes) -> Iterator[bytes]:
        try:
            for piece in self._decoder.pieces(data):
                self._left -= len(piece)
                if self._left < 0:
                    raise TooLarge
                yield piece
        except (zlib.error, brotli.error) as error:
            raise Undecodable(str(error)) from None


class _Decoder(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]: ...


def _decoder_of(coding: str, head: bytes) -> _Decoder:
    if coding == "gzip":
        return _Gzip() if head.startswith(_GZIP) else _Plain()
    if _PICTURE.match(head):
        return _Plain()
    if coding == "br":
        return _Brotli()
    return _Deflate(zlib.MAX_WBITS if _is_zlib(head) else -zlib.MAX_WBITS)  # RFC 9110 means the former


def _is_zlib(head: bytes) -> bool:
    """RFC 1950, 2.2."""
    return head[0] & 0x0F == 8 and int.from_bytes(head[:2], "big") % 31 == 0


class _Plain:
    def pieces(self, data: bytes) -> Iterator[bytes]:
        yield data


class _Deflate:
    def __init__(self, window: int) -> None:
        self._window = window
        self._inflater = zlib.decompressobj(window)

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Ignores data after the stream's end."""
        piece = None
        while not self._inflater.eof and (data or piece is None or len(piece) == PIECE):
            piece = self._inflater.decompress(data, PIECE)
            data = self._inflater.unconsumed_tail
            yield piece


class _Gzip(_Deflate):
    def __init__(self) -> None:
        super().__init__(16 + zlib.MAX_WBITS)
        self._members = 1
        self._behind = b""  # data after the member

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decodes every member."""
        while True:
            if self._inflater.eof:
                self._behind += data
                if not self._behind.startswith(_GZIP):
                    self._behind = self._behind[: len(_GZIP)]  # half a magic number, or junk
                    return
                self._members += 1
                if self._members > MAX_MEMBERS:
                    raise Undecodable("too many members")
                self._inflater, data, self._behind = zlib.decompressobj(self._window), self._behind, b""
            yield from super().pieces(data)
            if not self._inflater.eof:
                return
            data = self._inflater.unused_data


class _Brotli:
    def __init__(self) -> None:
        self._decompressor = brotli.Decompressor()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._decompressor.is_finished():
            yield self._decompressor.process(data, output_buffer_limit=PIECE)
            data = b""
            if self._decompressor.can_accept_more_data():
                return
