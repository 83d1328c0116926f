"""An answer costs its client as much patience as it costs us: one who does not take it is let go."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from PIL import Image
from starlette.types import Receive, Scope, Send

from image_service.stores.registry import NewStore
from tests.api.pictures import ROCKET, uploaded, url_of
from tests.conftest import Service, StartService
from tests.edge.wire import PATIENCE, listening
from tests.shop import form

SHORT = 0.4  # seconds, reached on purpose


@pytest.fixture(scope="module")
async def hasty(start_service: StartService) -> AsyncIterator[Service]:
    async with start_service(stall_seconds=SHORT, bytes_per_second=1_000_000) as service:
        yield service


def heavy(folder: Path) -> bytes:
    """A picture of 9,000,000 bytes."""
    Image.frombytes("RGB", (1800, 1700), random.Random(1).randbytes(1800 * 1700 * 3)).save(folder / "a.png")
    return (folder / "a.png").read_bytes()


@pytest.fixture
async def original(hasty: Service, store: NewStore, tmp_path: Path) -> str:
    """The path of 9,000,000 bytes that do not fit into the buffers of a socket."""
    async with hasty.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        answer = await client.post("/products/1/images", files=form(heavy(tmp_path)))
        return f"/images/{answer.json()['id']}/original"


@pytest.fixture
async def variant(hasty: Service, store: NewStore) -> str:
    """The path of a picture that has been asked for before."""
    async with hasty.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        url = url_of(await uploaded(client, ROCKET))
        for _ in range(2):
            (await client.get(url)).raise_for_status()
        return url


class Watched:
    """The application, which says when it has done with a request."""

    def __init__(self, service: Service) -> None:
        self._app = service.app
        self.has_answered = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        finally:
            self.has_answered.set()


@asynccontextmanager
async def asked(port: int, path: str, credentials: bytes) -> AsyncIterator[socket.socket]:
    """A socket that takes as little as a socket can, over which that has been asked for."""
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(wire, ("127.0.0.1", port))
        request = f"GET {path} HTTP/1.1\r\nHost: a\r\n".encode() + credentials + b"\r\n"
        await loop.sock_sendall(wire, request)
        yield wire


async def taken(wire: socket.socket, part: int = 65536, seconds: float = 0) -> int:
    """How much comes until the other side ends it, when `part` is taken every so many seconds."""
    count = 0
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            while data := await asyncio.get_running_loop().sock_recv(wire, part):
                count += len(data)
                await asyncio.sleep(seconds)
    return count


async def test_a_client_that_takes_nothing(hasty: Service, original: str, credentials: bytes) -> None:
    service = Watched(hasty)
    async with listening(hasty, service) as port, asked(port, original, credentials) as wire:
        async with asyncio.timeout(PATIENCE):
            await service.has_answered.wait()  # or rather given up
        assert await taken(wire) < 9_000_000


async def test_a_client_that_asks_on_and_takes_nothing(hasty: Service, variant: str) -> None:
    """Answers without a body fill the buffers too. It is reset, and nothing of it goes on with us."""
    async with hasty.client() as client:
        etag = (await client.get(variant)).headers["etag"]
    asking = f"GET {variant} HTTP/1.1\r\nHost: a\r\nIf-None-Match: {etag}\r\n\r\n".encode()
    tag = f"If-None-Match: {etag}\r\n".encode()
    service = Watched(hasty)
    async with (
        asyncio.timeout(PATIENCE),
        listening(hasty, service, send_buffer=4096) as port,
        asked(port, variant, tag) as wire,
    ):
        with pytest.raises(ConnectionError):
            await ask_on(wire, asking, service.has_answered)


async def ask_on(wire: socket.socket, request: bytes, has_answered: asyncio.Event) -> None:
    """As soon as the answer before has been made, or given up."""
    while await has_answered.wait():
        has_answered.clear()
        await asyncio.get_running_loop().sock_sendall(wire, request)


async def test_a_client_that_takes_drops(hasty: Service, original: str, credentials: bytes) -> None:
    async with listening(hasty) as port, asked(port, original, credentials) as wire:
        assert await taken(wire, 100, SHORT / 10) < 9_000_000


async def test_the_service_ends_although_a_client_takes_nothing(
    hasty: Service, original: str, credentials: bytes
) -> None:
    """Nor does what is still in a buffer keep a connection."""
    service = Watched(hasty)
    async with asyncio.timeout(PATIENCE), listening(hasty, service) as port, asked(port, "/openapi.json", credentials):
        await service.has_answered.wait()
