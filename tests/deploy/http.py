"""HTTP in the raw: paths, headers and bodies exactly as a test writes them."""

import http.client
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.processes import DEADLINE

Headers = Sequence[tuple[str, str]]

# Of the connection or the moment, not of the answer; and of nginx, which cannot keep its name to itself.
PASSING = {"date", "connection", "server", "x-request-id"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]  # sorted, names in lower case, without the passing ones
    body: bytes
    request_id: str | None

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)

    def masked(self) -> tuple[int, list[tuple[str, str]], bytes]:
        """Without what differs between two pictures: ids, keys, times, and the length of what shows them."""
        hide = re.compile(rb"[0-9a-f]{32}|\d{4}-\d\d-\d\dT[0-9:+]*|\d+")
        shown = [(name, hide.sub(b"#", value.encode()).decode()) for name, value in self.headers]
        return self.status, [each for each in shown if each[0] != "content-length"], hide.sub(b"#", self.body)


def ask(
    port: int, path: str, method: str = "GET", headers: Headers = (), body: bytes | Iterable[bytes] | None = None
) -> Answer:
    """On a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        found = sorted((name.lower(), value) for name, value in answer.getheaders() if name.lower() not in PASSING)
        return Answer(answer.status, found, answer.read(), answer.headers["X-Request-Id"])
    finally:
        connection.close()


def form(data: bytes, name: str = "photo.jpg") -> tuple[Headers, bytes]:
    """The header and the body of an upload."""
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return [("Content-Type", "multipart/form-data; boundary=b")], head + data + b"\r\n--b--\r\n"
