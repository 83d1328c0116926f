"""A deletion beside everything else that may be done with an image: each gets the whole of it or a 404, and no
variant outlives its image.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from image_service.storage.names import store_prefix
from image_service.stores.registry import NewStore
from tests.conftest import Service, StartService
from tests.faults.load import picture
from tests.faults.runs import RUNS
from tests.shop import form, path

ROUNDS = 4 * RUNS
SIZES = ("50-0", "240-0", "640-0", "0-0")
IMAGES = "/products/1234/images"


@pytest.fixture(scope="module")
async def replica(start_service: StartService) -> AsyncIterator[Service]:
    """Another service on the same database and blobs: one renders what the other deletes."""
    async with start_service() as replica:
        yield replica


@asynccontextmanager
async def visiting(replica: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with replica.client() as visitor:
        yield visitor


def large(chance: random.Random) -> bytes:
    """In two chunks of a blob at least."""
    return picture(chance, (400, 300))


async def image_of(client: httpx.AsyncClient, data: bytes) -> dict[str, Any]:
    answer = await client.post(IMAGES, files=form(data))
    image: dict[str, Any] = answer.raise_for_status().json()
    return image


def urls(image: dict[str, Any]) -> list[str]:
    return [path(image["src"]).replace("640-0", size) for size in SIZES]


async def variants(service: Service, store: NewStore) -> list[str]:
    return [blob.name async for blob in service.storage.list(store_prefix(store.store_id))]


async def later(chance: random.Random, seconds: float, request: Any) -> httpx.Response:
    """Some time within so many seconds: any step of one may meet any step of the other."""
    await asyncio.sleep(chance.uniform(0, seconds))
    answer: httpx.Response = await request
    return answer


async def test_against_reading(client: httpx.AsyncClient) -> None:
    chance = random.Random(1)
    data = large(chance)
    seen = set()
    for _ in range(ROUNDS):
        image = await image_of(client, data)
        whole = (await client.get(urls(image)[0])).content
        original, warm, deleted = await asyncio.gather(
            later(chance, 0.08, client.get(f"/images/{image['id']}/original")),
            later(chance, 0.08, client.get(urls(image)[0])),
            later(chance, 0.02, client.delete(f"{IMAGES}/{image['id']}")),
        )
        assert deleted.status_code == 200
        for answer, expected in ((original, data), (warm, whole)):
            assert answer.status_code in {200, 404}
            assert answer.status_code == 404 or answer.content == expected
            seen.add(answer.status_code)
    assert seen == {200, 404}


async def test_against_rendering(
    service: Service, replica: Service, store: NewStore, client: httpx.AsyncClient
) -> None:
    chance = random.Random(2)
    data = large(chance)
    async with visiting(replica) as visitor:
        for _ in range(ROUNDS):
            image = await image_of(client, data)
            renders = [later(chance, 0.05, who.get(url)) for url in urls(image) for who in (client, visitor)]
            *rendered, deleted = await asyncio.gather(
                *renders, later(chance, 0.1, client.delete(f"{IMAGES}/{image['id']}"))
            )
            assert deleted.status_code == 200
            assert {answer.status_code for answer in rendered} <= {200, 404}
            assert await variants(service, store) == []


async def test_against_replacing(
    service: Service, replica: Service, store: NewStore, client: httpx.AsyncClient
) -> None:
    chance = random.Random(3)
    async with visiting(replica) as visitor:
        for _ in range(ROUNDS):
            image = await image_of(client, large(chance))
            own = f"{IMAGES}/{image['id']}"
            replaced, deleted, *rendered = await asyncio.gather(
                later(chance, 0.05, client.put(own, files=form(large(chance)))),
                later(chance, 0.1, client.delete(own)),
                *(later(chance, 0.1, who.get(url)) for url in urls(image) for who in (client, visitor)),
            )
            assert deleted.status_code == 200
            assert replaced.status_code in {200, 404}
            assert {answer.status_code for answer in rendered} <= {200, 404}
            assert (await client.get(f"/images/{image['id']}")).status_code == 404
            assert await variants(service, store) == []
