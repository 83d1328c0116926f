"""Attacks on the log through HTTP, on a real server: whatever a client says, a line in the log is one of ours."""

import base64
import json
import re
import socket
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.processes import DEADLINE, PROGRAM, Server, eventually
from tests.shop import png
from tests.terminal import Terminal

FORGED = '{"event":"forged","level":"info"}'
BREAKS = ("\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029")
ESCAPES = ("\x1b[2J", "\x1b]0;title\x07", "\x9b2J", "\x1b[31m", "\x08\x08", "\x00", "\u202e", "\u200b")
EVILS = (*(f"x{each}{FORGED}" for each in BREAKS), *(f"x{each}x" for each in ESCAPES))
COLOURS = re.compile(r"\x1b\[\d+m")  # all that the log itself sends to a terminal


def raw(base_url: str, head: bytes, body: bytes = b"") -> bytes:
    """The answer to bytes that no client library would send."""
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname or "", url.port or 80), timeout=DEADLINE) as connection:
        connection.sendall(
            head + f"Host: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        )
        got = b""
        try:
            while more := connection.recv(65536):
                got += more
        except ConnectionResetError:
            pass
    return got


def attack(base_url: str, token: str) -> set[str]:
    """By every way that words of a client's get in; the ids of the requests that the application has seen."""
    seen: set[str] = set()
    bearer = f"Authorization: Bearer {token}\r\n".encode()
    upload = bearer + b"Content-Type: multipart/form-data; boundary=b\r\n"
    for evil in EVILS:
        word = evil.encode()
        quoted = "".join(f"%{byte:02x}" for byte in word).encode()
        part = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n'
        part += b"Content-Type: %s\r\n\r\n%s\r\n--b--\r\n"
        as_json = bearer + b"Content-Type: application/json\r\n"
        for head, body in (
            (b"GET /products/" + quoted + b"/images?q=" + quoted + b" HTTP/1.1\r\n" + bearer, b""),
            (b"GET /" + word + b" HTTP/1.1\r\n", b""),
            (b"GET /stores/" + quoted + b" HTTP/1.1\r\n", b""),
            (b"GET / HTTP/1.1\r\nUser-Agent: " + word + b"\r\n", b""),
            (b"GET / HTTP/1.1\r\nX-Request-Id: " + word + b"\r\n", b""),
            (b"GET / HTTP/1.1\r\nX-Forwarded-For: " + word + b"\r\nAuthorization: " + word + b"\r\n", b""),
            (b"GET / HTTP/1.1\r\n" + word + b": x\r\n", b""),
            (word + b" / HTTP/1.1\r\n", b""),
            (b"POST /v2/images.json HTTP/1.1\r\n" + upload, part % (b"file", word, b"image/png", b"none")),
            (b"POST /products/1/images HTTP/1.1\r\n" + upload, part % (b"file", word, word, png())),
            (b"POST /products/1/images HTTP/1.1\r\n" + upload, part % (word, b"x", b"x", b"x")),
            (b"POST /products/1/images HTTP/1.1\r\n" + as_json, json.dumps({"src": f"http://{evil}/{evil}"}).encode()),
            (b"POST /products/1/images HTTP/1.1\r\n" + as_json, json.dumps({"src": f"{evil}://x/{evil}"}).encode()),
            (b"POST /products/1/images HTTP/1.1\r\n" + as_json, b'{"' + word + b'": ' + word),
            (
                b"POST /products/1/images HTTP/1.1\r\n" + as_json,
                json.dumps(
                    {"attachment": base64.b64encode(png()).decode(), "filename": evil, "alt": evil, evil: evil}
                ).encode(),
            ),
        ):
            answer = raw(base_url, head, body)
            assert not answer or answer.startswith(b"HTTP/1.1 "), answer
            assert not answer.startswith(b"HTTP/1.1 500"), (head, body)
            seen |= set(re.findall(r"x-request-id: (\w+)", answer.decode("latin-1").lower()))
    assert len(seen) > 7 * len(EVILS)
    return seen


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "service")
    try:
        yield server.ready()
    finally:
        server.end()


def test_lines_of_json(server: Server) -> None:
    seen = attack(server.url, server.token)
    eventually(lambda: seen <= {line["request_id"] for line in server.logged(event="request")})
    others = [line for line in server.logged(event="request") if line["request_id"] not in seen]
    assert {line["path"] for line in others} == {"/health/ready"}  # asked by this test's start
    assert len(server.logged(event="request")) == len(seen) + len(others)
    assert not server.logged(event="forged")
    assert server.stop() == 0
    said = server.log_file.read_bytes()
    assert not set(said) - set(range(0x20, 0x7F)) - {0x0A}  # so that no reader sees a line break of its own
    assert all({"event", "level", "timestamp", "pid"} <= line.keys() for line in server.logged())
    assert server.token not in said.decode()


def test_lines_on_a_terminal(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, str(PROGRAM), "serve", "--port", "0")
    try:
        eventually(lambda: "Ctrl-C stops the service" in terminal.seen)
        url = re.findall(r"image-service at (\S+)", terminal.seen)[0]
        token = re.findall(r"Bearer ([\w-]+)", terminal.seen)[0]
        greeting = len(terminal.seen)
        eventually(answers(url))
        attack(url, token)
        terminal.type(b"\x03")
        terminal.process.wait(20)
        eventually(lambda: "stopped" in terminal.seen)
    finally:
        terminal.close()
    said = COLOURS.sub("", terminal.seen[greeting:]).removeprefix("^C")
    assert {each for each in said if unicodedata.category(each) in ("Cc", "Cf", "Zl", "Zp")} == {"\n"}
    lines = [line.removeprefix("^C") for line in said.splitlines() if line]
    strange = [line for line in lines if not re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z \[(info|warning) +\] ", line)]
    assert strange == []
    assert token not in said


def answers(url: str) -> Callable[[], bool]:
    def look() -> bool:
        try:
            return httpx.get(f"{url}/health/ready").status_code == 200
        except httpx.TransportError:
            return False

    return look
