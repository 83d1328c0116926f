"""`Content-Transfer-Encoding` of a form part (RFC 2045, 6); mailers and `curl -F '…;encoder=base64'` send it."""

import binascii
from typing import Protocol

from image_service.errors import InvalidField

MAX_LINE_BYTES = 64 * 1024  # of quoted-printable (standard: 76); longer is malformed
AS_THEY_ARE = {b"", b"7bit", b"8bit", b"binary"}
_BLANKS = b" \t\r\n"


class Decoder(Protocol):
    def feed(self, data: bytes | memoryview) -> bytes | memoryview: ...  # the bytes decodable so far
    def finish(self) -> bytes: ...  # the rest; both raise `InvalidField` (`file`)


class Plain:
    def feed(self, data: bytes | memoryview) -> bytes | memoryview:
        return data

    def finish(self) -> bytes:
        return b""


class Base64:
    def __init__(self) -> None:
        self._held = b""
        self._has_ended = False  # with padding

    def feed(self, data: bytes | memoryview) -> bytes:
        text = self._held + bytes(data).translate(None, _BLANKS)
        whole = len(text) // 4 * 4
        self._held = text[whole:]
        return self._decoded(text[:whole])

    def finish(self) -> bytes:
        return self._decoded(self._held + b"=" * (-len(self._held) % 4))

    def _decoded(self, text: bytes) -> bytes:
        if text and self._has_ended:
            raise _not("base64")
        self._has_ended = text.endswith(b"=")
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error:
            raise _not("base64") from None


class QuotedPrintable:
    """Decodes line by line: the characters before a line break show whether the encoder added it."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes | memoryview) -> bytes:
        lines, end, self._held = (self._held + data).rpartition(b"\n")
        if len(self._held) > MAX_LINE_BYTES:
            raise _not("quoted-printable")
        return binascii.a2b_qp(lines + end)

    def finish(self) -> bytes:
        return binascii.a2b_qp(self._held)


def decoder_of(encoding: bytes) -> Decoder:
    """Raises `InvalidField` (`file`) if unsupported."""
    match encoding.strip().lower():
        case b"base64":
            return Base64()
        case b"quoted-printable":
            return QuotedPrintable()
        case plain if plain in AS_THEY_ARE:
            return Plain()
    raise InvalidField("file", "is in a form with a Content-Transfer-Encoding other than base64 or quoted-printable")


def _not(encoding: str) -> InvalidField:
    return InvalidField("file", f"is in a form with a part that is not {encoding}, as it says")
