"""The line to PostgreSQL hangs or breaks: 503 in time, what is rendered is served, and all is well by itself again."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.conftest import NewDatabase, StartService
from tests.faults.proxy import BOUND, SECONDS, Line, Proxy, proxied
from tests.shop import added, form, order

IMAGES = "/products/1234/images"
CONNECTIONS = 3  # of a service that shall have used them all
KEPT_SECONDS = 5.0  # for a picture that is kept: one look at a connection that hangs, and its end


@pytest.mark.parametrize("line", [Line.SILENT, Line.CUT])
async def test_a_line_that_does_not_work_for_a_while(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path, line: Line
) -> None:
    async with proxied(await new_database()) as proxy:
        start = partial(start_service, database_url=proxy.url, data_dir=tmp_path, database_seconds=SECONDS)
        async with start() as service, start() as other, other.client() as visitor:
            store = await service.new_store()
            async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                await _does_not_work_for_a_while(proxy, line, client, visitor)


async def _does_not_work_for_a_while(
    proxy: Proxy, line: Line, client: httpx.AsyncClient, visitor: httpx.AsyncClient
) -> None:
    image = await added(client)
    warm, browser = urlsplit(image["src"]).path, {"Accept": "image/webp,image/avif"}
    rendered = await client.get(warm, headers={"Accept": "image/webp"})
    assert rendered.headers["Content-Type"] == "image/webp"
    key = {"Idempotency-Key": uuid4().hex}
    proxy.set(line)
    calls = [
        client.get(IMAGES),
        client.post(IMAGES, files=form()),
        client.post(IMAGES, files=form(), headers=key),
        client.put(f"{IMAGES}/{image['id']}", json={"position": 1}),
        client.delete(f"{IMAGES}/{image['id']}"),
        client.post("/v2/images.json", files=form()),
        client.get("/health/ready"),
        client.get(warm.replace("640-0", "50-0")),  # which is not rendered
    ]
    async with asyncio.timeout(BOUND):
        assert {answer.status_code for answer in await asyncio.gather(*calls)} == {503}
    # Of a service that knows the image, and of one that has never asked the database about it.
    for each in (client, visitor):
        async with asyncio.timeout(KEPT_SECONDS):
            kept = await each.get(warm, headers=browser)
        assert (kept.status_code, kept.content) == (200, rendered.content)
    proxy.set(Line.WORKS)
    async with asyncio.timeout(BOUND):
        while (await client.get("/health/ready")).status_code != 200:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert await order(client) == [image["id"]]
    again = await client.post(IMAGES, files=form(), headers=key)
    assert await order(client) == [image["id"], again.json()["id"]]


async def test_a_server_that_has_said_that_it_ends(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Its connections are no good any more, and are not closed yet: each is given up when it is found out."""
    async with proxied(await new_database()) as proxy:
        settings = {"database_url": proxy.url, "data_dir": tmp_path, "database_seconds": SECONDS}
        async with start_service(**settings, database_connections=CONNECTIONS) as service:
            store = await service.new_store()
            async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                image = await added(client)
                own = f"{IMAGES}/{image['id']}"
                changes: tuple[dict[str, Any], ...] = ({}, {"json": {"alt": "seen"}})
                for change in changes:  # a read, and a write
                    await asyncio.gather(*(client.get(own) for _ in range(2 * CONNECTIONS)))  # so that all are made
                    proxy.say_last_words()
                    method = "PUT" if change else "GET"
                    calls = [await client.request(method, own, **change) for _ in range(CONNECTIONS + 1)]
                    assert {answer.status_code for answer in calls} <= {200, 503}, method
                    assert calls[-1].status_code == 200, method
