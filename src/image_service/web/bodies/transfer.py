"""`Content-Transfer-Encoding` of a form's part (RFC 2045, 6), which mailers write and `curl -F '…;encoder=base64'`."""

import binascii
from typing import Protocol

from image_service.errors import InvalidField

MAX_LINE_BYTES = 64 * 1024  # of quoted-printable, which has 76; what has no end is none
AS_THEY_ARE = {b"", b"7bit", b"8bit", b"binary"}
_BLANKS = b" \t\r\n"


class Decoder(Protocol):
    def feed(self, data: bytes) -> bytes: ...  # what can be decoded by now
    def finish(self) -> bytes: ...  # the rest; these raise `InvalidField` (`file`)


class Plain:
    def feed(self, data: bytes) -> bytes:
        return data

    def finish(self) -> bytes:
        return b""


class Base64:
    def __init__(self) -> None:
        self._held = b""
        self._has_ended = False  # by its padding

    def feed(self, data: bytes) -> bytes:
        text = self._held + data.translate(None, _BLANKS)
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
    """Line by line: a break that the encoder has put in is told by what stands before it."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        lines, end, self._held = (self._held + data).rpartition(b"\n")
        if len(self._held) > MAX_LINE_BYTES:
            raise _not("quoted-printable")
        return binascii.a2b_qp(lines + end)

    def finish(self) -> bytes:
        return binascii.a2b_qp(self._held)


def decoder_of(encoding: bytes) -> Decoder:
    """Raises `InvalidField` (`file`) for one that is not taken."""
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
