"""What is kept of each fetch: by what the host will know its picture."""

from typing import Any

import httpx
from sqlmodel import col, select

from image_service.images.models import SourceRow
from image_service.images.syncing import sources
from tests.conftest import Service
from tests.ingest.server import ScriptedServer, answer
from tests.shop import PRODUCT, form, png

IMAGES = f"/products/{PRODUCT}/images"
ETAG = '"one"'


async def kept(service: Service, image: dict[str, Any]) -> tuple[str, str | None] | None:
    found = await sources.known(service.database, [image["id"]])
    row = found.get(image["id"])
    return (row.final_url, row.etag) if row else None


async def test_of_a_create_and_of_a_replacement(
    service: Service, client: httpx.AsyncClient, server: ScriptedServer
) -> None:
    server.pages["/a"] = answer(200, png(), ETag=ETAG)
    image = (await client.post(IMAGES, json={"src": server.url("/a")})).json()
    assert await kept(service, image) == (server.url("/a"), ETAG)
    server.pages["/b"] = answer(200, png("blue"))
    await client.put(f"{IMAGES}/{image['id']}", json={"src": server.url("/b")})
    assert await kept(service, image) == (server.url("/b"), None)
    await client.put(f"{IMAGES}/{image['id']}", files=form())
    assert await kept(service, image) is None  # those are of other bytes


async def test_they_go_with_their_image(service: Service, client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/a"] = answer(200, png(), ETag=ETAG)
    image = (await client.post(IMAGES, json={"src": server.url("/a")})).json()
    await client.delete(f"{IMAGES}/{image['id']}")
    async with service.database.statement() as session:
        rows = (await session.exec(select(SourceRow).where(col(SourceRow.image_id) == image["id"]))).all()
    assert rows == []
