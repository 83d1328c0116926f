"""No space left for bytes: 507, nothing half done, and all is well again when there is space."""

import asyncio
import base64
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.storage.names import original_name
from tests.conftest import NewDatabase, StartService
from tests.faults.disks import fill, small_disk
from tests.faults.load import picture
from tests.ingest.server import ScriptedServer
from tests.shop import added, form, order, page, path, png

IMAGES = "/products/1234/images"
LEFT = 100_000  # bytes: enough for small pictures


def noise(width: int) -> bytes:
    return picture(random.Random(width), (width, 200))


def uploads(image: dict[str, Any], data: bytes, server: ScriptedServer) -> list[tuple[str, str, dict[str, Any]]]:
    """One in each way."""
    server.pages["/a.png"] = page(data)
    own = f"{IMAGES}/{image['id']}"
    return [
        ("POST", IMAGES, {"files": form(data)}),
        ("POST", IMAGES, {"json": {"attachment": base64.b64encode(data).decode()}}),
        ("POST", IMAGES, {"json": {"src": server.url("/a.png")}}),
        ("POST", "/v2/images.json", {"files": form(data)}),
        ("PUT", own, {"files": form(data)}),
    ]


@pytest.mark.parametrize("on_it", ["everything", "blobs"])
async def test_a_full_disk(
    start_service: StartService, new_database: NewDatabase, server: ScriptedServer, tmp_path: Path, on_it: str
) -> None:
    """With all of the data on it, or with the blobs alone, which are then copied there."""
    with small_disk(tmp_path / "disk", 8) as disk:
        data_dir = disk if on_it == "everything" else tmp_path / "data"
        places: dict[str, Any] = {"data_dir": data_dir, "storage_url": f"file://{disk}/blobs"}
        async with start_service(database_url=await new_database(), **places) as service:
            store = await service.new_store()
            async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
                await _fills_and_empties(client, server, disk, data_dir)


async def _fills_and_empties(client: httpx.AsyncClient, server: ScriptedServer, disk: Path, data_dir: Path) -> None:
    image, other = await added(client), await added(client)
    kept = disk / "blobs" / original_name(image["src"].split("-")[-3])
    rendered = await client.get(path(image["src"]))
    originals = sorted((disk / "blobs/private").rglob("*"))
    filler = fill(disk, LEFT)
    for data in (noise(600), png("green")):
        for method, url, request in uploads(image, data, server):
            answer = await client.request(method, url, **request)
            assert answer.status_code == 507, (method, url, answer.text)
            assert "Insufficient Storage" in answer.text
        filler = fill(disk)
    assert await order(client) == [image["id"], other["id"]]
    assert (await client.get("/images?assigned=false")).json() == []
    assert sorted((disk / "blobs/private").rglob("*")) == originals
    assert [*(data_dir / "staging").iterdir(), *(disk / "blobs/tmp").iterdir()] == []
    assert (await client.get("/health/ready")).json()["storage"] != "ok"

    # What needs no space goes on.
    for headers in ({}, {"Accept": "image/webp"}):  # there is no room for another format
        assert (await client.get(path(image["src"]), headers=headers)).content == rendered.content
    assert (await client.get(f"/images/{image['id']}/original")).content == kept.read_bytes()
    assert (await client.put(f"{IMAGES}/{image['id']}", json={"position": 2})).status_code == 200
    cold = await client.get(path(other["src"]))
    assert (cold.status_code, cold.headers["Cache-Control"]) == (507, "no-store")
    assert (await client.delete(f"{IMAGES}/{other['id']}")).status_code == 200

    await asyncio.to_thread(filler.unlink)
    assert (await client.get("/health/ready")).status_code == 200
    for method, url, request in uploads(image, noise(600), server):
        assert (await client.request(method, url, **request)).status_code in {200, 201}
    assert len(await order(client)) == 4
    assert (await client.get(path(image["src"]).replace("640-0", "50-0"))).status_code == 404  # it was replaced
    (first, *_) = (await client.get(IMAGES)).json()
    assert (await client.get(path(first["src"]))).status_code == 200
