"""An upload over a slow line: its body comes when the test says so."""

import socket
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.processes import DEADLINE
from tests.shop import png

BOUNDARY = "slow"


class SlowUpload:
    """Has sent its head and half of its body when it is made."""

    def __init__(self, base_url: str, token: str, product: int = 1) -> None:
        url = urlsplit(base_url)
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="slow.png"\r\n\r\n'
        body = part.encode() + png() + f"\r\n--{BOUNDARY}--\r\n".encode()
        head = (
            f"POST /products/{product}/images HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        half = len(body) // 2
        self._rest = body[half:]
        self._socket = socket.create_connection((url.hostname or "", url.port or 80), timeout=DEADLINE)
        self._socket.sendall(head.encode() + body[:half])

    def finish(self) -> bytes:
        """Send the rest; the answer's status line, empty if there is none."""
        self._socket.sendall(self._rest)
        return self.answered()

    def answered(self) -> bytes:
        """What comes without the rest."""
        try:
            return self._socket.recv(65536).partition(b"\r\n")[0]
        except ConnectionResetError:
            return b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
