"""What fails costs nothing that an entry names, and is told."""

import asyncio
import re
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.api.repeated import HeldStorage
from tests.conftest import NewDatabase, Service, StartService
from tests.ingest.server import answer, then_silence
from tests.shop import PRODUCT, added, form, png
from tests.sync.calls import failures, ids, outcomes, put, shown, synced
from tests.sync.host import Shop
from tests.sync.test_sync import originals

KEY = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "bad_status"),
        (401, "forbidden"),
        (403, "forbidden"),
        (404, "not_found"),
        (410, "gone"),
        (429, "too_many_requests"),
        (500, "host_error"),
        (503, "host_error"),
    ],
)
async def test_a_host_that_is_down_costs_no_picture(
    client: httpx.AsyncClient, shop: Shop, status: int, reason: str
) -> None:
    entries = [{"src": shop.has(f"/{color}", png(color)), "alt": color} for color in ("red", "blue", "green")]
    first = await synced(client, entries)
    shop.down = {"/red": status, "/green": status}
    body = await synced(client, entries)
    assert body["images"] == first["images"]
    assert outcomes(body) == ["failed", "unchanged", "failed"]
    assert failures(body) == [(0, reason, status), (2, reason, status)]
    assert body["revision"] == first["revision"]
    always = await synced(client, entries, refetch="always")
    assert (always["images"], failures(always)) == (first["images"], failures(body))


async def test_a_failed_entry_is_where_the_list_has_it(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has(f"/{color}", png(color))} for color in ("red", "blue")]
    red, blue = ids(await synced(client, entries))
    shop.down = {"/red": 503}
    new = {"src": shop.has("/green", png("green"))}
    body = await synced(client, [entries[1], new, {**entries[0], "alt": "Red"}])
    assert (outcomes(body), ids(body)[0], ids(body)[2]) == (["moved", "added", "failed"], blue, red)
    assert body["images"][2]["alt"] == "Red"


async def test_the_url_of_before_a_replacement_costs_no_picture(client: httpx.AsyncClient) -> None:
    """The client writes back what it has read, and meanwhile an image was replaced."""
    first, second = [await added(client) for _ in range(2)]
    data = form(png("blue"))
    replaced = await client.put(f"/products/{PRODUCT}/images/{second['id']}", files=data)
    body = await synced(client, [{"src": second["src"], "alt": "Shoe"}, {"src": first["src"]}])
    assert (outcomes(body), ids(body)) == (["failed", "moved"], [second["id"], first["id"]])
    assert failures(body) == [(0, "replaced", None)]
    assert (body["images"][0]["src"], body["images"][0]["alt"]) == (replaced.json()["src"], "Shoe")


@pytest.mark.parametrize("is_known", [True, False])
async def test_nothing_is_removed_for_the_url_of_a_picture_that_is_gone(
    client: httpx.AsyncClient, is_known: bool
) -> None:
    """A picture of another product was copied by its URL, and is deleted there; after a day its key is forgotten."""
    other = await added(client, PRODUCT + 1)
    src = other["src"]
    [copy] = ids(await synced(client, [{"src": src}]))
    kept = (await added(client))["id"]
    assert (await client.delete(f"/products/{PRODUCT + 1}/images/{other['id']}")).status_code == 200
    if not is_known:
        src = KEY.sub(uuid4().hex, src)
    body = await synced(client, [{"id": kept}, {"src": src}])
    assert (outcomes(body), ids(body)) == (["moved", "failed"], [kept, copy])
    assert failures(body) == [(1, "deleted" if is_known else "not_found", None)]
    assert outcomes(await synced(client, [{"id": kept}])) == ["unchanged", "removed"]


async def test_a_new_one_that_fails_is_left_out(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has(f"/{color}", png(color))} for color in ("red", "blue", "green")]
    shop.down = {"/blue": 503}
    first = await synced(client, entries)
    assert failures(first) == [(1, "host_error", 503)]
    shop.down = {}
    body = await synced(client, entries)
    assert outcomes(body) == ["unchanged", "added", "moved"]
    assert [ids(body)[0], ids(body)[2]] == ids(first)


async def test_what_is_no_picture_replaces_none(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has("/red", png())}]
    first = await synced(client, entries)
    for body, reason in ((b"<html>Sorry", "other_format"), (png("blue", (90, 90))[:-30], "cut_short")):
        shop.has("/red", body)
        again = await synced(client, entries)
        assert (again["images"], failures(again)) == (first["images"], [(0, reason, None)])


async def test_urls_that_are_none(client: httpx.AsyncClient) -> None:
    entries = [{"src": src} for src in ("ftp://shop.example/a.png", "http://", "a.png", "http://nosuchhost.invalid/")]
    body = await synced(client, entries)
    assert failures(body) == [
        (0, "bad_url", None),
        (1, "bad_url", None),
        (2, "bad_url", None),
        (3, "not_fetched", None),
    ]


async def test_stop_changes_nothing_at_all(client: httpx.AsyncClient, shop: Shop, service: Service) -> None:
    kept = (await client.post("/products/1234/images", files=form())).json()["id"]
    before, stored = await shown(client), originals(service)
    good, bad = shop.has("/blue", png("blue")), shop.has("/green", png("green"))
    shop.down = {"/green": 404}
    entries = [{"src": good}, {"id": kept, "alt": "new"}, {"src": bad}]
    stopped = await put(client, entries, on_error="stop")
    problem = stopped.json()
    assert (stopped.status_code, problem["code"], stopped.headers["Problem"]) == (422, "sync_stopped", "sync_stopped")
    assert stopped.headers["Content-Type"] == "application/problem+json"
    assert [(each["index"], each["outcome"], each["reason"], each["status"]) for each in problem["receipts"]] == [
        (0, "added", None, None),
        (1, "described", None, None),
        (2, "failed", "not_found", 404),
    ]
    assert (await shown(client), originals(service)) == (before, stored)
    shop.down = {}
    assert outcomes(await synced(client, entries, on_error="stop")) == ["added", "described", "added"]


async def test_what_does_not_come_in_time_is_a_receipt(start_service: StartService, shop: Shop) -> None:
    async with start_service(sync_seconds=0.5, fetch_seconds=30) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            entries = [{"src": shop.has(f"/{color}", png(color))} for color in ("red", "blue")]
            first = await synced(client, entries)
            shop.server.pages["/blue"] = then_silence(answer(200, b"", Content_Length="100"))
            slow = {"src": shop.server.url("/slow")}
            shop.server.pages["/slow"] = then_silence(b"")
            body = await synced(client, [slow, *entries])
    assert (body["images"], outcomes(body)) == (first["images"], ["failed", "unchanged", "failed"])
    assert failures(body) == [(0, "timed_out", None), (2, "timed_out", None)]


async def test_a_copy_waits_for_a_place_until_the_deadline(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> None:
    """As a fetch does: the rest of the list is done."""
    storage = HeldStorage(tmp_path / "blobs")
    storage.may_store.set()
    settings = {"database_url": await new_database(), "sync_seconds": 0.5, "ingest_concurrency": 1}
    async with start_service(parts={"storage": storage}, **settings) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            kept = (await added(client))["id"]
            blue = png("blue")
            await client.post("/products/2/images", files=form(blue))
            entries = [{"id": kept, "alt": "Taza"}, {"sha256": sha256(blue).hexdigest()}]
            storage.may_store.clear()
            storage.arrived.clear()
            upload = asyncio.create_task(client.post("/products/2/images", files=form()))
            await storage.arrived.wait()  # in the only place
            body = await synced(client, entries)
            storage.may_store.set()
            await upload
            assert (outcomes(body), failures(body)) == (["described", "failed"], [(1, "timed_out", None)])


async def test_fetches_run_side_by_side_and_a_host_gets_four(client: httpx.AsyncClient, shop: Shop) -> None:
    """Each is answered once four are waiting: one after the other would never be."""
    waiting = most = 0
    all_here = asyncio.Event()

    async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        if waiting == 4:
            all_here.set()
        await all_here.wait()
        waiting -= 1
        writer.write(answer(200, png()))

    shop.server.pages |= {f"/{number}": send for number in range(12)}
    body = await synced(client, [{"src": shop.server.url(f"/{number}")} for number in range(12)])
    assert outcomes(body) == ["added"] * 12
    assert most == 4
