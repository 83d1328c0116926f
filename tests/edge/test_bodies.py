"""A request's body: how long it may take, when it is refused, and that the client can read why."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import PHOTOS, Service, StartService
from tests.edge.wire import PATIENCE, Wire, ask, listening
from tests.needs import needs
from tests.shop import form

SHORT = 0.4  # seconds, reached on purpose
HEAVY = 11 * 1024 * 1024
KINDS = ("application/json", "multipart/form-data; boundary=x")
PATHS = ("/products/1/images", "/v2/images.json")


@pytest.fixture(scope="module")
async def hasty(start_service: StartService) -> AsyncIterator[int]:
    async with start_service(stall_seconds=SHORT) as service, listening(service) as port:
        yield port


def head(credentials: bytes, *fields: str, path: str = PATHS[0], kind: str = KINDS[1]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: a", f"Content-Type: {kind}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n" + credentials + b"\r\n"


def is_in_the_words_of(path: str, body: dict[str, object]) -> bool:
    return ("user_id" in body) == path.startswith("/v2")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("start", [b"", b"--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n"])
async def test_a_body_that_stalls(hasty: int, credentials: bytes, path: str, start: bytes) -> None:
    (answer,) = await ask(hasty, head(credentials, "Content-Length: 5000", path=path) + start)
    assert answer.status == 408
    assert is_in_the_words_of(path, answer.json)
    assert answer.headers["connection"] == "close"


@asynccontextmanager
async def sending(wire: Wire, part: bytes) -> AsyncIterator[None]:
    """`part` again and again, meanwhile."""

    async def send() -> None:
        while True:
            await wire.send(part)
            await asyncio.sleep(SHORT / 10)

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize(("kind", "drop"), [(KINDS[0], b" "), (KINDS[1], b"\n")])
async def test_a_body_that_drips(hasty: int, credentials: bytes, kind: str, drop: bytes) -> None:
    async with Wire(hasty) as wire:
        await wire.send(head(credentials, "Transfer-Encoding: chunked", kind=kind))
        async with sending(wire, b"1\r\n" + drop + b"\r\n"):
            assert (await wire.answer()).status == 408


async def test_a_body_that_takes_long_all_in_all(start_service: StartService, credentials: bytes) -> None:
    """Although it never stalls."""
    async with start_service(body_seconds=SHORT) as service, listening(service) as port, Wire(port) as wire:
        await wire.send(head(credentials, "Content-Length: 9000000", kind=KINDS[0]))
        async with sending(wire, b" " * 10_000):
            assert (await wire.answer()).status == 408


async def test_a_slow_body_that_is_fast_enough(hasty: int, credentials: bytes) -> None:
    async with Wire(hasty) as wire:
        await wire.send(head(credentials, "Content-Length: 40000", kind=KINDS[0]))
        for _ in range(8):
            await wire.send(b" " * 5000)
            await asyncio.sleep(SHORT / 4)
        assert (await wire.answer()).status == 422


@pytest.mark.parametrize("path", PATHS)
async def test_a_content_encoding(port: int, credentials: bytes, path: str) -> None:
    for coding in ("gzip", "x-gzip", "br", "GZIP", "deflate", "compress", "zstd", "gzip, gzip", "utf-8,gzip"):
        fields = (f"Content-Encoding: {coding}", "Content-Length: 5")
        (answer,) = await ask(port, head(credentials, *fields, path=path) + b"abcde")
        assert answer.status == 415, coding
        assert is_in_the_words_of(path, answer.json)


async def test_what_is_no_content_encoding_is_ignored(port: int, credentials: bytes) -> None:
    for coding in ("identity", "utf-8", "none", "binary", "gzipped", ""):
        fields = (f"Content-Encoding: {coding}", "Content-Length: 2")
        (answer,) = await ask(port, head(credentials, *fields, path="/uploads", kind="application/json") + b"{}")
        assert answer.status == 201, coding


@pytest.mark.parametrize("path", PATHS)
async def test_a_length_over_the_limit_is_refused_before_a_byte_is_read(
    port: int, credentials: bytes, path: str
) -> None:
    for fields in (("Content-Length: 99999999",), ("Content-Length: 99999999", "Expect: 100-continue")):
        (answer,) = await ask(port, head(credentials, *fields, path=path))
        assert answer.status == 413
        assert "10MB" in answer.body.decode()


async def test_credentials_come_before_everything_else_about_the_body(port: int) -> None:
    for fields in (("Content-Length: 99999999",), ("Content-Length: 5",), ("Transfer-Encoding: chunked",)):
        (answer,) = await ask(port, head(b"", *fields, "Expect: 100-continue"))
        assert answer.status == 401  # and no 100 before it


async def test_the_client_is_asked_to_go_on_only_when_its_body_is_wanted(port: int, credentials: bytes) -> None:
    async with Wire(port) as wire:
        await wire.send(head(credentials, "Content-Length: 2", "Expect: 100-continue", kind=KINDS[0]))
        assert (await wire.answer()).status == 100
        await wire.send(b"{}")
        assert (await wire.answer()).status == 422


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked", f"Content-Length: {HEAVY}"])
@pytest.mark.parametrize(("fields", "status"), [((), 413), (("Content-Encoding: gzip",), 415), (None, 401)])
async def test_whoever_sends_all_before_reading_can_read_the_refusal(
    port: int, credentials: bytes, path: str, framing: str, fields: tuple[str, ...] | None, status: int
) -> None:
    """As Python's `http.client` and PHP's streams do: a reset in mid-sending would lose the answer."""
    start = b"--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n"
    request = head(b"" if fields is None else credentials, framing, *(fields or ()), path=path)
    async with Wire(port) as wire:
        wire.reader._transport.pause_reading()  # type: ignore[attr-defined]  # nothing is read for now
        body = start + bytes(HEAVY - len(start))
        if "chunked" in framing:
            body = b"%x\r\n" % HEAVY + body + b"\r\n0\r\n\r\n"
        async with asyncio.timeout(PATIENCE):
            await wire.send(request + body)
        wire.reader._transport.resume_reading()  # type: ignore[attr-defined]
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert is_in_the_words_of(path, answer.json)
        assert await wire.ended() == b""


async def test_what_is_read_past_is_bounded(port: int) -> None:
    """An endless body."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000_000_000:
            sent += 1_000_000
            yield b"F4240\r\n" + bytes(1_000_000) + b"\r\n"

    async with Wire(port) as wire:
        await wire.send(head(b"", "Transfer-Encoding: chunked"))
        with suppress(ConnectionError, RuntimeError):  # asyncio's, uvloop's
            async for part in endless():
                await wire.send(part)
    assert 10_000_000 < sent < 200_000_000


@pytest.mark.parametrize(("token", "status"), [("wrong", 401), (None, 413)])
async def test_httpx_reads_the_refusal(port: int, store: NewStore, token: str | None, status: int) -> None:
    url = f"http://127.0.0.1:{port}{PATHS[0]}"
    headers = {"Authorization": f"Bearer {token or store.token}"}

    async def chunks() -> AsyncIterator[bytes]:
        yield b"--x\r\nContent-Disposition: form-data; name=file; filename=a.png\r\n\r\n"
        for _ in range(30):
            yield bytes(1_000_000)

    async with httpx.AsyncClient(headers=headers, timeout=PATIENCE) as client:
        assert (await client.post(url, files=form(bytes(30_000_000)))).status_code == status
        kind = {"Content-Type": KINDS[1]}
        assert (await client.post(url, content=chunks(), headers=kind)).status_code == status
        assert (await client.post(url, files=form())).status_code == (201 if status == 413 else status)


@needs(shutil.which("curl") is not None, "curl")
@pytest.mark.parametrize("options", [(), ("-H", "Expect:"), ("-H", "Transfer-Encoding: chunked"), ("--http2",)])
async def test_curl_reads_the_refusal(port: int, store: NewStore, service: Service, options: tuple[str, ...]) -> None:
    heavy = service.settings.data_dir / "heavy"
    heavy.write_bytes(bytes(30_000_000))
    for token, file, status in (
        ("x", heavy, "401"),
        (store.token, heavy, "413"),
        (store.token, PHOTOS / "rocket.jpg", "201"),
    ):
        process = await asyncio.create_subprocess_exec(
            "curl", "-sS", "-w", "%{http_code}", "-o", "/dev/null", *options, "-H", f"Authorization: Bearer {token}",
            "-F", f"file=@{file}", f"http://127.0.0.1:{port}{PATHS[0]}",
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert (process.returncode, out.decode(), err) == (0, status, b"")


async def test_a_body_that_nobody_wants_ends_the_connection(port: int) -> None:
    """It would have to be read to its end, however long that is, to see where the next request begins."""
    get = b"GET /health/live HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"
    async with Wire(port) as wire:
        await wire.send(get)
        answer = await wire.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await wire.ended() == b""
