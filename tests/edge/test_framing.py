"""Where does a request end? If two servers answer that differently, one client's bytes become another's request.

Each case is followed by a second request on the same connection: it is answered only where the first one's end is
beyond doubt.
"""

import pytest

from tests.edge.wire import Wire, ask

POST = b"POST /products/1/images HTTP/1.1\r\nHost: a\r\n"
SECOND = b"GET /health/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
EMPTY = b"0\r\n\r\n"


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + EMPTY,
        b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
        b"Content-Length: 4, 4\r\n\r\nabcd",
        b"Content-Length: -4\r\n\r\nabcd",
        b"Content-Length: +4\r\n\r\nabcd",
        b"Content-Length: 0x4\r\n\r\nabcd",
        b"Content-Length: 1_0\r\n\r\nabcd",
        b"Content-Length: 4 4\r\n\r\nabcd",
        b"Content-Length: \r\n\r\nabcd",
        b"Content-Length : 4\r\n\r\nabcd",
        b"Content-Length: 18446744073709551620\r\n\r\nabcd",
        b"Transfer-Encoding: xchunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: gzip, chunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: chunked, gzip\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: identity\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: \x0bchunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding:\r\n chunked\r\n\r\n" + EMPTY,
        b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n\r\n" + EMPTY,
        b"Transfer-Encoding: \r\nContent-Length: 4\r\n\r\nabcd",
        b"X: a\r\n b\r\n\r\n",
        b"X: a\0b\r\n\r\n",
        b"X: a\nY: b\r\n\r\n",
        b"X: a\rY: b\r\n\r\n",
        b"X() : a\r\n\r\n",
        b"no colon\r\n\r\n",
        b"\nContent-Length: 4\n\nabcd",
    ],
    ids=repr,
)
async def test_a_head_of_doubtful_meaning_is_refused(port: int, rest: bytes) -> None:
    (answer,) = await ask(port, POST + rest + SECOND)
    assert (answer.status, answer.json["code"]) == (400, 400)


@pytest.mark.parametrize(
    "body",
    [
        b"-1\r\nabc\r\n" + EMPTY,
        b"+3\r\nabc\r\n" + EMPTY,
        b"0x3\r\nabc\r\n" + EMPTY,
        b"3 \r\nabc\r\n" + EMPTY,
        b"10000000000000003\r\nabc\r\n" + EMPTY,
        b"3\nabc\n0\n\n",
        b"3\r\nabc\n" + EMPTY,
        b"3\r\nabc" + EMPTY,
        b"3;a\nx\r\nabc\r\n" + EMPTY,
        b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
    ],
    ids=repr,
)
async def test_a_body_of_doubtful_extent_is_refused(port: int, credentials: bytes, body: bytes) -> None:
    json = b"Content-Type: application/json\r\n"
    (answer,) = await ask(port, POST + credentials + json + CHUNKED + body + SECOND)
    assert (answer.status, answer.json["message"]) == (400, "Bad Request")


@pytest.mark.parametrize("path", ["/products/1/images", "/v2/images.json"])
async def test_a_body_that_breaks_off_is_refused_in_the_words_of_its_path(
    port: int, credentials: bytes, path: str
) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n".encode()
    (answer,) = await ask(port, head + credentials + CHUNKED + b"3\r\n--x\r\nnonsense" + SECOND)
    assert answer.status == 400
    assert set(answer.json) == (
        {"status", "user_id", "message"} if "v2" in path else {"code", "message", "description"}
    )
    assert answer.headers["connection"] == "close"
    assert "x-request-id" in answer.headers


@pytest.mark.parametrize(
    ("hosts", "version", "status"),
    [
        (b"", b"1.1", 400),
        (b"Host: a\r\nHost: a\r\n", b"1.1", 400),
        (b"Host: a\r\nhost: b\r\n", b"1.1", 400),
        (b"Host: a\r\nHost: b\r\n", b"1.0", 400),
        (b"", b"1.0", 200),
        (b"Host: a\r\n", b"1.1", 200),
    ],
)
async def test_exactly_one_host(port: int, hosts: bytes, version: bytes, status: int) -> None:
    answers = await ask(port, b"GET /health/live HTTP/" + version + b"\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert [answer.status for answer in answers] == [status]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (b"GET /health/live HTTP/2.0", 505),
        (b"GET /health/live HTTP/9.9", 400),
        (b"GET /health/live", 505),
        (b"PRI * HTTP/2.0", 400),
        (b"CONNECT a:443 HTTP/1.1", 400),
        (b"OPTIONS * HTTP/1.1", 404),
        (b"TRACE /health/live HTTP/1.1", 405),
        (b"NONSENSE / HTTP/1.1", 400),
        (b"GET /\xff HTTP/1.1", 400),
        (b"GET /\x00 HTTP/1.1", 400),
        (b"GET  HTTP/1.1", 400),
        (b"GET nowhere HTTP/1.1", 400),
        (b"GET http://elsewhere.test/health/live HTTP/1.1", 200),
    ],
)
async def test_odd_request_lines(port: int, line: bytes, status: int) -> None:
    host = b"Host: a\r\nConnection: close\r\n" if b"HTTP" in line else b""
    answers = await ask(port, line + b"\r\n" + host + b"\r\n")
    assert [answer.status for answer in answers] == [status]


async def test_chunked_without_version_1_1(port: int) -> None:
    """RFC 9112, 6.1: the framing of such a message is to be treated as faulty."""
    (answer,) = await ask(port, POST.replace(b"1.1", b"1.0") + CHUNKED + EMPTY + SECOND)
    assert answer.status == 400


async def test_trailers_decide_nothing(port: int, credentials: bytes) -> None:
    """They come too late: what was decided by the head stays so."""
    answers = await ask(port, POST + CHUNKED + b"0\r\n" + credentials + b"X-Request-Id: late\r\n\r\n" + SECOND)
    assert [answer.status for answer in answers] == [401, 200]
    assert "late" not in answers[0].headers.values()


async def test_requests_in_a_row(port: int) -> None:
    """Pipelined, a few are answered in order; a flood of them ends the connection instead of filling the memory."""
    one = SECOND.replace(b"Connection: close\r\n", b"")
    assert [answer.status for answer in await ask(port, one * 5 + SECOND)] == [200] * 6
    assert len(await ask(port, one * 5_000 + SECOND)) < 50


@pytest.mark.parametrize("framing", ["Content-Length: 15", "Transfer-Encoding: chunked"])
async def test_a_wish_for_another_protocol_loses_no_body(port: int, credentials: bytes, framing: str) -> None:
    """Java's client asks for h2c with its first request, whatever that is."""
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n"
    head = POST + credentials + wish + b"Content-Type: application/json\r\n" + framing.encode() + b"\r\n\r\n"
    body = b'{"position": 0}' if "Length" in framing else b'f\r\n{"position": 0}\r\n' + EMPTY
    async with Wire(port) as wire:
        for part in (head + body[:5], body[5:]):  # the rest of it comes later
            await wire.send(part)
        answer = await wire.answer()
        assert (answer.status, list(answer.json)) == (422, ["position"])
        await wire.send(SECOND)
        assert (await wire.answer()).status == 200
    get = b"GET /health/live HTTP/1.1\r\nHost: a\r\n" + wish + b"\r\n"
    assert [answer.status for answer in await ask(port, get + SECOND)] == [200, 200]
