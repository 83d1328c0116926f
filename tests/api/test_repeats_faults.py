"""Repeats where the database is lost in mid-commit: whatever has become of the first, there is one image."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import make_url

from image_service.stores.registry import NewStore
from tests.api.repeated import HeldStorage
from tests.conftest import Service, StartService
from tests.shop import form, order

SOCKET = ".s.PGSQL.5432"


class CuttingProxy:
    """Between a service and its PostgreSQL. Once armed it cuts the connection of the next COMMIT."""

    def __init__(self, server: Path) -> None:
        self._server = server
        self.armed = False
        self.commits = False  # whether that COMMIT still gets through, and only its answer is lost
        self.cut = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._server)
        back = asyncio.create_task(_copy(server_reader, writer))
        try:
            while data := await reader.read(65536):
                if self.armed and b"COMMIT;" in data:
                    await self._cut(data, server_reader, server_writer, back)
                    return
                server_writer.write(data)
        finally:
            back.cancel()
            writer.close()
            server_writer.close()

    async def _cut(
        self, data: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.Task[None]
    ) -> None:
        self.armed = False
        back.cancel()
        await asyncio.gather(back, return_exceptions=True)
        if self.commits:
            writer.write(data)
            assert await reader.read(1)  # it is done
        self.cut.set()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def cutting(database_url: str, folder: Path) -> AsyncIterator[tuple[CuttingProxy, str]]:
    """The proxy, and the URL of the database through it."""
    url = make_url(database_url)
    proxy = CuttingProxy(Path(str(url.query["host"])) / SOCKET)
    connections: set[asyncio.Task[None]] = set()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.add(asyncio.create_task(proxy.serve(reader, writer)))

    async with await asyncio.start_unix_server(serve, folder / SOCKET):
        yield proxy, url.update_query_dict({"host": str(folder)}).render_as_string(hide_password=False)
        await asyncio.gather(*connections)  # the service has closed them all


@pytest.mark.parametrize("commits", [True, False])
async def test_a_commit_whose_outcome_is_unknown(
    start_service: StartService,
    service: Service,
    store: NewStore,
    client: httpx.AsyncClient,
    database_url: str,
    tmp_path: Path,
    commits: bool,
) -> None:
    """The client is told 503; the repeat finds out."""
    images, key = "/products/1234/images", {"Idempotency-Key": str(uuid4())}
    held = HeldStorage(service.settings.data_dir / "blobs")
    async with (
        cutting(database_url, tmp_path) as (proxy, url),
        start_service(database_url=url, parts={"storage": held}) as cut,
        cut.client(headers={**client.headers, **key}) as caller,
    ):
        first = asyncio.create_task(caller.post(images, files=form()))
        await held.arrived.wait()
        proxy.armed, proxy.commits = True, commits
        held.may_store.set()
        answer = await first
        assert proxy.cut.is_set()
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert len(await order(client)) == (1 if commits else 0)
        again = [await caller.post(images, files=form()) for _ in range(2)]
        assert [each.status_code for each in again] == [201, 201]
        assert again[0].content == again[1].content
        assert await order(client) == [again[0].json()["id"]]
        # Bytes whose row may exist are never removed.
        assert len(await held.left()) == (1 if commits else 2)
