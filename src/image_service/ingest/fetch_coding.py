"""Undoes a `Content-Encoding`, where the bytes agree that there is one.

None is asked for. But a bucket may hold its objects compressed, and many more are labelled with what is no coding of
HTTP (`base64`, `aws-chunked`, `utf-8`) or with one that their bytes do not have; browsers take all of these. So the
label only says what to look for.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

PIECE = 64 * 1024  # bytes that come out at a time: a millisecond of the event loop
MAX_CODINGS = 2  # one upon the other
# A gzip file may be several, one behind the other: block gzip makes 160 of 10 MB. Each costs as much as some 10 kB.
MAX_MEMBERS = 1000

_HEAD = 12  # bytes that tell what begins
# What no coding begins with: JPEG, PNG, GIF, WebP, and AVIF with its family.
_PICTURE = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|....ftyp", re.DOTALL)
_GZIP = b"\x1f\x8b"


class Undecodable(Exception):
    """The body is not what its coding demands."""


class TooLarge(Exception):
    """More came out than is taken."""


class ContentDecoder:
    """One body. What comes out comes in pieces, some of them empty: each is a chance to let others have their turn."""

    def __init__(self, header: str, max_bytes: int) -> None:
        """Raises `Undecodable` if more codings are named than anybody needs."""
        names = [name.strip().lower().removeprefix("x-") for name in header.split(",")]
        known = [name for name in reversed(names) if name in ("gzip", "deflate", "br")]  # the last was put on last
        if len(known) > MAX_CODINGS:
            raise Undecodable("too many codings")
        self.needs_memory = "br" in known  # up to 16 MB
        self._stages = [_Stage(name, max_bytes) for name in known]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Raises `Undecodable`, `TooLarge`; so does `finish`."""
        return self._through(0, data)

    def finish(self) -> Iterator[bytes]:
        """What had to wait. A coding's own end may be missing: whether the picture is whole is asked later."""
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
    """One coding, or none if the bytes say so."""

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
        """Nothing comes of what follows its end."""
        piece = None
        while not self._inflater.eof and (data or piece is None or len(piece) == PIECE):
            piece = self._inflater.decompress(data, PIECE)
            data = self._inflater.unconsumed_tail
            yield piece


class _Gzip(_Deflate):
    def __init__(self) -> None:
        super().__init__(16 + zlib.MAX_WBITS)
        self._members = 1
        self._behind = b""  # what follows the member

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Of every member."""
        while True:
            if self._inflater.eof:
                self._behind += data
                if not self._behind.startswith(_GZIP):
                    self._behind = self._behind[: len(_GZIP)]  # a magic in halves, or junk
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
