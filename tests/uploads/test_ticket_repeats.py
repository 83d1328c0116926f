"""Uploads with a ticket that are sent again under the same key."""

import asyncio

import httpx

from image_service.stores.registry import NewStore
from tests.api.repeated import HeldStorage, new_key, same
from tests.conftest import StartService
from tests.shop import PRODUCT, form, order, png
from tests.uploads.tickets import expire, left, refusal, sent, ticket


async def test_a_repeat_uses_nothing_more(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Also of a ticket that it has used up, or of which too few bytes are left to do it again."""
    size = len(png("red"))
    made, key = await ticket(client, product_id=PRODUCT, files=2, bytes=size + 1), new_key()
    first = await sent(anyone, made, headers=key)
    assert same([first, await sent(anyone, made, headers=key)])
    assert (first.status_code, await left(client, made)) == (201, 1)
    one, key = await ticket(client, product_id=PRODUCT), new_key()
    first = await sent(anyone, one, headers=key)
    assert same([first, await sent(anyone, one, headers=key)])
    assert refusal(await sent(anyone, one, headers=new_key()))[0] == 410
    assert refusal(await sent(anyone, one))[0] == 410
    assert len(await order(client)) == 2


async def test_keys_are_each_tickets_own(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """A stranger can neither find out the store's keys nor be in their way."""
    key = new_key()
    assert (await client.post(f"/products/{PRODUCT}/images", files=form(), headers=key)).status_code == 201
    for _ in range(2):
        assert (await sent(anyone, await ticket(client, product_id=PRODUCT), "blue", headers=key)).status_code == 201
    assert (await client.post(f"/products/{PRODUCT}/images", files=form(), headers=key)).status_code == 201
    assert len(await order(client)) == 3


async def test_a_repeat_of_another_file(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made, key = await ticket(client, files=2), new_key()
    assert (await sent(anyone, made, headers=key)).status_code == 201
    answer = await sent(anyone, made, "blue", headers=key)
    assert (answer.status_code, answer.json()) == (422, {"Idempotency-Key": ["was used for another request"]})


async def test_a_key_that_has_no_answer_yet_opens_nothing(
    start_service: StartService, held: HeldStorage, store: NewStore
) -> None:
    """A repeat waits for the first, and is the first when that fails: so it must not outlive the ticket's end."""
    headers = {"Authorization": f"Bearer {store.token}"}
    async with start_service(parts={"storage": held}) as service, service.client(headers=headers) as client:
        made, key = await ticket(client, product_id=PRODUCT, files=2), new_key()
        async with service.client() as anyone:
            first = asyncio.create_task(sent(anyone, made, headers=key))
            await held.arrived.wait()
            await expire(service, made["id"])
            assert refusal(await sent(anyone, made, headers=key)) == (410, "The upload ticket has expired")
            held.may_store.set()
            answer = await first  # it began before the end
            assert answer.status_code == 201
            assert same([answer, await sent(anyone, made, headers=key)])
        assert len(await order(client)) == 1
