"""A request and its answer as a page prints them, sent over a socket as they stand."""

import re
import socket
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from tests.processes import DEADLINE

# What is on the wire besides, and printed only where it is spoken of.
UNPRINTED = {"date", "content-length", "x-request-id", "connection", "x-shopify-shop-api-call-limit"}
UNPRINTED_PREFIX = "x-rate-limit-"

_FILE = re.compile(rb"\(the bytes of ([\w.-]+)\)")
_STANDS_FOR = {b"(the picture)", b"(the page)"}
_BEGINNINGS = {
    "text/html; charset=utf-8": b"<!doctype html>",
    "image/jpeg": b"\xff\xd8",
    "image/png": b"\x89PNG",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
    "image/avif": b"\0\0\0",
}


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: list[tuple[str, str]]  # names in lower case
    body: bytes

    @classmethod
    def parse(cls, text: str) -> "Answer":
        """As printed, or as `curl -i` writes it."""
        head, _, body = text.replace("\r\n", "\n").partition("\n\n")
        first, *lines = head.splitlines()
        headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        _, status, reason = first.split(maxsplit=2)
        return cls(int(status), reason, headers, body.strip().encode())

    def names(self) -> set[str]:
        return {name for name, _ in self.headers}

    def values(self, name: str) -> list[str]:
        return [value for other, value in self.headers if other == name]

    def body_is_left_out(self) -> bool:
        """In print, where words stand for it."""
        return self.body in _STANDS_FOR

    def is_of_its_type(self) -> bool:
        [kind] = self.values("content-type")
        return self.body.startswith(_BEGINNINGS[kind])


def split(block: str) -> tuple[str, str]:
    """The request, and the answer after it."""
    request, mark, answer = re.split(r"^(HTTP/1\.1 (?=\d))", block, maxsplit=1, flags=re.MULTILINE)
    return request, mark + answer


def send(url: str, request: str, files: Path) -> Answer:
    """`request` without what UNPRINTED says; `(the bytes of NAME)` in it are those of a file in `files`."""
    head, _, text = request.partition("\n\n")
    method = head.split()[0]
    raw = text.strip("\n").encode()
    if "multipart/" in head:
        raw = raw.replace(b"\n", b"\r\n") + b"\r\n"
    body = _FILE.sub(lambda match: (files / match[1].decode()).read_bytes(), raw)
    lines = [*head.strip().splitlines(), f"Host: {urlsplit(url).netloc}", "Connection: close"]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    with socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=DEADLINE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        response = HTTPResponse(connection, method=method)
        response.begin()
        return Answer(
            response.status,
            response.reason,
            [(name.lower(), value) for name, value in response.getheaders()],
            response.read(),
        )
