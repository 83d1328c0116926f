"""URLs that are worth nothing: forged, changed, expired, withdrawn, of a revoked token, of a removed store."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from image_service.images import ticket_signature, upload_tickets
from image_service.images.models import SigningKeyRow
from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.api.repeated import HeldStorage, new_key, same
from tests.conftest import Service, StartService
from tests.shop import PRODUCT, order
from tests.uploads.tickets import at, expire, left, refusal, sent, ticket

FORGED = (403, "This upload URL was not signed here")
WITHDRAWN = (410, "The upload ticket has been withdrawn")
EXPIRED = (410, "The upload ticket has expired")


async def unread() -> AsyncIterator[bytes]:
    raise AssertionError("the body was read")
    yield b""


async def test_nothing_in_the_url_can_be_changed(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made, other = await ticket(client), await ticket(client)
    url = urlsplit(at(made))
    query = dict(parse_qsl(url.query))
    changed = [
        {},
        {**query, "expires": str(int(query["expires"]) + 1)},
        {**query, "expires": "0" + query["expires"]},
        {**query, "expires": "é"},
        {**query, "signature": query["signature"][:-1]},
        {**query, "signature": query["signature"].swapcase()},
        {**query, "signature": query["signature"] + "="},
        {**query, "signature": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")},
        {"expires": query["expires"]},
        {"signature": query["signature"]},
        dict(parse_qsl(urlsplit(at(other)).query)),
    ]
    for each in changed:
        answer = await anyone.post(f"{url.path}?{urlencode(each)}", content=unread())
        assert refusal(answer) == FORGED, each
    for id in (made["id"].upper(), "0" * 31, "x" * 32):
        assert refusal(await anyone.post(f"/uploads/{id}?{url.query}", content=unread()))[0] == 404
    assert refusal(await anyone.post(f"/uploads/{'0' * 32}?{url.query}", content=unread())) == FORGED
    assert await left(client, made) == 1


async def test_a_token_is_no_signature(client: httpx.AsyncClient, store: NewStore) -> None:
    made = await ticket(client)
    assert refusal(await client.post(f"/uploads/{made['id']}", content=unread())) == FORGED
    assert refusal(await client.post(f"/uploads/{made['id']}?signature={store.token}", content=unread())) == FORGED


async def test_it_opens_nothing_but_its_upload(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT)
    signed = urlsplit(at(made)).query
    for method, path in (
        ("POST", "/products"),
        ("PUT", f"/products/{PRODUCT}"),
        ("PUT", f"/products/{PRODUCT}/gallery"),
        ("GET", f"/products/{PRODUCT}/gallery"),
        ("GET", "/jobs"),
        ("POST", "/webhooks"),
    ):
        answer = await anyone.request(method, f"{path}?{signed}", json={"images": []})
        assert answer.status_code == 401, path


async def test_wrong_urls_are_limited_and_right_ones_never(start_service: StartService) -> None:
    async with start_service(auth_failures_per_minute=3) as strict:
        store = await strict.new_store()
        async with (
            strict.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
            strict.client() as anyone,
        ):
            made = await ticket(client)
            answers = [await anyone.post(f"/uploads/{made['id']}", content=unread()) for _ in range(5)]
            assert [answer.status_code for answer in answers] == [403, 403, 403, 429, 429]
            assert int(answers[-1].headers["retry-after"]) > 0
            assert (await sent(anyone, made)).status_code == 201


async def test_an_expired_one(client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service) -> None:
    made, key = await ticket(client, files=3), new_key()
    first = await sent(anyone, made, headers=key)
    await expire(service, made["id"])
    assert refusal(await anyone.post(at(made), content=unread())) == EXPIRED
    assert same([first, await sent(anyone, made, headers=key)])  # what it did before is still answered
    assert (await client.get(f"/uploads/{made['id']}")).json()["status"] == "expired"
    assert await left(client, made) == 2


async def test_one_that_is_withdrawn(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT, files=3)
    image = (await sent(anyone, made)).json()
    answer = await client.delete(f"/uploads/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert refusal(await anyone.post(at(made), content=unread())) == WITHDRAWN
    assert await order(client) == [image["id"]]
    for method in ("GET", "DELETE"):
        assert refusal(await client.request(method, f"/uploads/{made['id']}")) == (404, "No such upload ticket")


async def test_while_an_upload_is_under_way(start_service: StartService, held: HeldStorage) -> None:
    async with start_service(parts={"storage": held}) as slow:
        store = await slow.new_store()
        async with slow.client(headers={"Authorization": f"Bearer {store.token}"}) as client, slow.client() as anyone:
            made = await ticket(client, product_id=PRODUCT)
            upload = asyncio.create_task(sent(anyone, made))
            await held.arrived.wait()
            assert (await client.delete(f"/uploads/{made['id']}")).status_code == 200
            held.may_store.set()
            assert refusal(await upload) == WITHDRAWN
            assert await order(client) == []
            assert len(held.stored) == 1
            assert await held.left() == []


async def test_expiry_cuts_nobody_off(start_service: StartService, held: HeldStorage) -> None:
    async with start_service(parts={"storage": held}) as slow:
        store = await slow.new_store()
        async with slow.client(headers={"Authorization": f"Bearer {store.token}"}) as client, slow.client() as anyone:
            made = await ticket(client)
            upload = asyncio.create_task(sent(anyone, made))
            await held.arrived.wait()
            await expire(slow, made["id"])
            held.may_store.set()
            assert (await upload).status_code == 201


async def test_its_token_is_revoked(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service, store: NewStore
) -> None:
    secret = await tokens.issue(service.database, store.store_id, Scope.WRITE)
    made = (await anyone.post("/uploads", json={}, headers={"Authorization": f"Bearer {secret}"})).json()
    others = await ticket(client)
    newest = (await tokens.of_store(service.database, store.store_id))[-1]
    await tokens.revoke(service.database, newest.id)
    assert refusal(await anyone.post(at(made), content=unread())) == WITHDRAWN
    assert (await sent(anyone, others)).status_code == 201


async def test_its_store_is_removed(anyone: httpx.AsyncClient, service: Service) -> None:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        made = await ticket(client)
    await service.remove_store(store.store_id)
    assert refusal(await anyone.post(at(made), content=unread())) == WITHDRAWN


async def test_of_an_anonymous_store(start_service: StartService, service: Service) -> None:
    """It has no token to be revoked with."""
    store = await service.new_store()
    async with start_service(anonymous_store=store.store_id) as open_service, open_service.client() as anyone:
        assert (await sent(anyone, await ticket(anyone))).status_code == 201


async def test_the_sweep_removes_them_a_day_later(client: httpx.AsyncClient, service: Service) -> None:
    young, old = await ticket(client), await ticket(client)
    await expire(service, young["id"])
    await expire(service, old["id"], days=2)
    counted = [await upload_tickets.forget(service.database, dry_run=dry_run) for dry_run in (True, False, True)]
    assert counted[0] >= 1
    assert counted[1] >= 1
    assert counted[2] == 0
    assert (await client.get(f"/uploads/{young['id']}")).status_code == 200
    assert (await client.get(f"/uploads/{old['id']}")).status_code == 404
    # Whoever comes even later is told the truth too.
    async with service.database.statement() as session:
        [key] = await session.exec(select(SigningKeyRow.key))
    past = "1700000000"
    signed = ticket_signature.signature(key, UUID(old["id"]), past)
    async with service.client() as anyone:
        late = await anyone.post(f"/uploads/{old['id']}?expires={past}&signature={signed}", content=unread())
        assert refusal(late) == EXPIRED


async def test_the_rate_limit_is_the_stores(start_service: StartService) -> None:
    async with start_service(rate_limit_bucket=3, rate_limit_per_second=0.001) as limited:
        store = await limited.new_store()
        async with (
            limited.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
            limited.client() as anyone,
        ):
            made = await ticket(client, files=5)
            answers = [await sent(anyone, made) for _ in range(3)]
            assert [answer.status_code for answer in answers] == [201, 201, 429]
            assert answers[0].headers["x-rate-limit-remaining"] == "1"
            assert int(answers[-1].headers["retry-after"]) > 0
            assert (await client.post("/uploads", json={})).status_code == 429


async def test_the_signature_is_in_no_log(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, capfd: pytest.CaptureFixture[str]
) -> None:
    made = await ticket(client)
    await sent(anyone, made)
    await sent(anyone, made)
    logged = "".join(capfd.readouterr())
    assert made["id"] in logged
    assert dict(parse_qsl(urlsplit(made["url"]).query))["signature"] not in logged
    assert "signature" not in logged
