"""`https` sources: the certificate is that of the name in the URL, although the address is pinned."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import trustme

from image_service.ingest.fetch import Fetcher, FetchFailed, FetchPolicy

PICTURE = b"not looked at here"
Answer = Callable[[int], bytes]


def found(_: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(PICTURE) + PICTURE


@asynccontextmanager
async def https_server(authority: trustme.CA, name: str, answer: Answer, asked: list[str]) -> AsyncIterator[int]:
    """On loopback, with a certificate for `name`; the names that clients ask for (SNI) are noted in `asked`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    context.sni_callback = lambda _socket, asked_for, _context: asked.append(str(asked_for))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(port))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port: int = server.sockets[0].getsockname()[1]
    async with server:
        yield port


async def fetched(url: str, trusted: trustme.CA) -> bytes:
    context = ssl.create_default_context()
    trusted.configure_trust(context)
    received = bytearray()

    async def loopback(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def write(chunk: bytes) -> None:
        received.extend(chunk)

    fetcher = Fetcher(FetchPolicy(allow_private=True), loopback, context)
    try:
        await fetcher.fetch(url, write)
    finally:
        await fetcher.aclose()
    return bytes(received)


async def test_the_right_name_is_asked_for_and_answered() -> None:
    authority, asked = trustme.CA(), list[str]()
    async with https_server(authority, "photos.test", found, asked) as port:
        assert await fetched(f"https://photos.test:{port}/a.jpg", authority) == PICTURE
    assert asked == ["photos.test"]


@pytest.mark.parametrize("case", ["another name", "another authority"])
async def test_a_certificate_that_does_not_fit(case: str) -> None:
    authority = trustme.CA()
    name = "elsewhere.test" if case == "another name" else "photos.test"
    trusted = trustme.CA() if case == "another authority" else authority
    async with https_server(authority, name, found, []) as port:
        with pytest.raises(FetchFailed) as refused:
            await fetched(f"https://photos.test:{port}/a.jpg", trusted)
    assert refused.value.public == "could not be fetched"


async def test_never_down_to_http() -> None:
    authority = trustme.CA()

    def away(port: int) -> bytes:
        return b"HTTP/1.1 302 Found\r\nLocation: http://photos.test:%d/a.jpg\r\nContent-Length: 0\r\n\r\n" % port

    async with https_server(authority, "photos.test", away, []) as port:
        with pytest.raises(FetchFailed) as refused:
            await fetched(f"https://photos.test:{port}/a.jpg", authority)
    assert refused.value.public == "could not be fetched"
