"""`Idempotency-Key`: a request that is repeated is done once, and answered as it was the first time."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import func
from sqlmodel import select

from image_service.images.models import ImageRow
from image_service.stores.registry import NewStore
from tests.api.repeated import HeldStorage, new_key, same
from tests.conftest import Service, StartService
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, form, order, orphan, page, png

IMAGES = f"/products/{PRODUCT}/images"


# --- a repeat ---

BODIES: list[Callable[[], dict[str, Any]]] = [
    lambda: {"files": form(), "data": {"position": "1", "alt": "a red one"}},
    lambda: {"json": {"attachment": base64.b64encode(png()).decode(), "alt": {"en": "red", "pt": "vermelho"}}},
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("prefix", ["", "/v1/{store}"])
async def test_a_repeat_gets_the_first_answer(
    client: httpx.AsyncClient, store: NewStore, body: Callable[[], dict[str, Any]], prefix: str
) -> None:
    url, key = prefix.format(store=store.store_id) + IMAGES, new_key()
    first = await client.post(url, headers=key, **body())
    assert first.status_code == 201
    await client.put(f"{IMAGES}/{first.json()['id']}", json={"alt": "changed since"})
    await added(client)
    assert same([first, await client.post(url, headers=key, **body())])
    assert len(await order(client)) == 2
    await client.delete(f"/products/{PRODUCT}")
    assert same([first, await client.post(url, headers=key, **body())])


async def test_in_the_other_dialect(client: httpx.AsyncClient) -> None:
    key = new_key()
    answers = [await client.post("/v2/images.json", files=form(), headers=key) for _ in range(3)]
    assert same(answers)
    assert len((await client.get("/images")).json()) == 1


async def test_an_assignment(client: httpx.AsyncClient) -> None:
    """Without its key the second would be told that the image is assigned already."""
    body, key = {"image_id": await orphan(client)}, new_key()
    assert same([await client.post(IMAGES, json=body, headers=key) for _ in range(2)])


async def test_a_repeat_fetches_nothing(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/a.png"] = page(png())
    key = new_key()
    assert same([await client.post(IMAGES, json={"src": server.url("/a.png")}, headers=key) for _ in range(2)])
    assert server.connections == 1


async def test_a_copy_whose_source_is_gone(client: httpx.AsyncClient) -> None:
    image, key = await added(client), new_key()
    first = await client.post(IMAGES, json={"src": image["src"]}, headers=key)
    await client.delete(f"/images/{image['id']}")
    assert same([first, await client.post(IMAGES, json={"src": image["src"]}, headers=key)])


async def test_keys_are_each_stores_own(client: httpx.AsyncClient, service: Service) -> None:
    other, key = await service.new_store(), new_key()
    ids = set()
    for headers in ({}, {"Authorization": f"Bearer {other.token}"}):
        ids.add((await client.post("/v2/images.json", files=form(), headers={**key, **headers})).json()["id"])
    assert len(ids) == 2


# --- another request ---


@pytest.mark.parametrize(
    "another",
    [
        {"files": form(png("blue"))},
        {"files": form(name="other.png")},
        {"files": form(), "data": {"position": "1"}},
        {"files": form(), "params": {"fields": "all"}},
        {"json": {"image_id": 1}},
    ],
)
async def test_a_key_of_another_request(client: httpx.AsyncClient, another: dict[str, Any]) -> None:
    key = new_key()
    assert (await client.post(IMAGES, files=form(), headers=key)).status_code == 201
    answer = await client.post(IMAGES, headers=key, **another)
    assert (answer.status_code, answer.json()) == (422, {"Idempotency-Key": ["was used for another request"]})
    assert len(await order(client)) == 1


async def test_a_key_of_another_route(client: httpx.AsyncClient) -> None:
    key = new_key()
    assert (await client.post(IMAGES, files=form(), headers=key)).status_code == 201
    answer = await client.post("/v2/images.json", files=form(), headers=key)
    assert answer.status_code == 422
    assert answer.json()["message"] == "Idempotency-Key was used for another request"
    assert (await client.post("/products/2/images", files=form(), headers=key)).status_code == 422


@pytest.mark.parametrize("key", [b"", b"x" * 256, "ключ".encode(), b"\x07", b"a\tb"])
async def test_keys_that_are_none(client: httpx.AsyncClient, key: bytes) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for url in (IMAGES, "/v2/images.json"):
        answer = await client.post(url, content=unread(), headers=[(b"Idempotency-Key", key)])
        assert answer.status_code == 422
        assert "must be 1 to 255 printable ASCII characters" in answer.text
    twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")]
    assert (await client.post(IMAGES, content=unread(), headers=twice)).status_code == 422


async def test_every_printable_key(client: httpx.AsyncClient) -> None:
    for key in ("x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!#$ %~'\\"):
        answers = [await client.post(IMAGES, files=form(), headers={"Idempotency-Key": key}) for _ in range(2)]
        assert same(answers)
        assert answers[0].status_code == 201


# --- failures ---


async def test_a_failure_is_not_kept(client: httpx.AsyncClient) -> None:
    """And its key may go with the request as it should have been."""
    key = new_key()
    for _ in range(2):
        assert (await client.post(IMAGES, files=form(b"no picture"), headers=key)).status_code == 422
    assert (await client.post(IMAGES, files=form(), headers=key)).status_code == 201


async def test_a_full_product_does_not_use_up_the_key(start_service: StartService) -> None:
    key = new_key()
    async with start_service(max_images_per_product=1) as small:
        store = await small.new_store()
        async with small.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            image = await added(client)
            assert (await client.post(IMAGES, files=form(), headers=key)).status_code == 422
            await client.delete(f"/images/{image['id']}")
            assert (await client.post(IMAGES, files=form(), headers=key)).status_code == 201


# --- at the same time ---


async def test_sixteen_at_once_through_two_services(start_service: StartService, service: Service) -> None:
    store, key = await service.new_store(), new_key()
    headers = {"Authorization": f"Bearer {store.token}", **key}
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context((await stack.enter_async_context(start_service())).client(headers=headers))
            for _ in range(2)
        ]
        answers = await asyncio.gather(*(clients[n % 2].post(IMAGES, files=form()) for n in range(16)))
        assert same(answers)
        assert answers[0].status_code == 201
        assert await order(clients[0]) == [answers[0].json()["id"]]
        async with service.database.statement() as session:
            made = select(func.count()).select_from(ImageRow).where(ImageRow.store_id == store.store_id)
            assert (await session.exec(made)).one() == 1


async def test_while_the_first_is_under_way(start_service: StartService, held: HeldStorage) -> None:
    """Repeats wait, without a connection each; then they are told to come back."""
    key = new_key()
    async with start_service(
        parts={"storage": held}, database_connections=2, idempotency_wait=0.5, ingest_concurrency=20
    ) as slow:
        store = await slow.new_store()
        async with slow.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            first = asyncio.create_task(client.post(IMAGES, files=form(), headers=key))
            await held.arrived.wait()
            repeats = [asyncio.create_task(client.post(IMAGES, files=form(), headers=key)) for _ in range(8)]
            assert (await client.get(IMAGES)).json() == []
            for answer in await asyncio.gather(*repeats):
                assert (answer.status_code, answer.json()["message"]) == (409, "Conflict")
                assert int(answer.headers["retry-after"]) > 0
            another = await client.post(IMAGES, files=form(png("blue")), headers=key)
            assert another.status_code == 422
            late = asyncio.create_task(client.post(IMAGES, files=form(), headers=key))
            held.may_store.set()
            assert same([await first, await late])
            assert len(await held.left()) == 1


async def test_a_conflict_in_the_other_dialect(start_service: StartService, held: HeldStorage) -> None:
    key = new_key()
    async with start_service(parts={"storage": held}, idempotency_wait=0) as slow:
        store = await slow.new_store()
        async with slow.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            first = asyncio.create_task(client.post("/v2/images.json", files=form(), headers=key))
            await held.arrived.wait()
            answer = await client.post("/v2/images.json", files=form(), headers=key)
            assert (answer.status_code, answer.json()["message"]) == (409, "Conflict")
            assert int(answer.headers["retry-after"]) > 0
            held.may_store.set()
            assert (await first).status_code == 200


async def test_it_is_described(document: dict[str, Any]) -> None:
    posts = [operations["post"] for operations in document["paths"].values() if "post" in operations]
    assert len(posts) == 13
    for post in posts:
        (key,) = [each for each in post["parameters"] if each["name"] == "Idempotency-Key"]
        assert (key["in"], key["required"]) == ("header", False)
        assert key["schema"]["maxLength"] == 255
        assert "Retry-After" in post["responses"]["409"]["headers"]
