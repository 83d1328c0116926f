"""`Prefer: respond-async` on a gallery's sync: answered at once, done once, and hosts that are busy are asked again."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import NewDatabase, Service, StartService
from tests.ingest.server import ScriptedServer, answer
from tests.jobs.conftest import ASYNC, ended
from tests.shop import added, png
from tests.sync.calls import GALLERY, outcomes
from tests.sync.host import Shop


@pytest.fixture
async def patient(
    start_service: StartService, new_database: NewDatabase, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """Of a service that tries so long that two more tries are certain."""
    async with start_service(
        database_url=await new_database(), data_dir=tmp_path, jobs=2, job_retry_seconds=12
    ) as service:
        token = (await service.new_store()).token
        async with service.client(headers={"Authorization": f"Bearer {token}"}) as client:
            yield client


async def later(client: httpx.AsyncClient, images: list[dict[str, Any]], **options: Any) -> httpx.Response:
    headers = {**ASYNC, **options.pop("headers", {})}
    return await client.put(GALLERY, json={"images": images, **options}, headers=headers)


async def test_a_list_is_synced_after_the_answer(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    shop = Shop(server)
    kept = (await added(client))["id"]
    entries = [{"src": shop.has("/red", png())}, {"id": kept, "alt": {"es": "Taza"}}, {"id": 2**60}]
    accepted = await later(client, entries)
    assert (accepted.headers["Preference-Applied"], accepted.json()["kind"]) == ("respond-async", "sync")
    job = await ended(client, accepted)
    gallery = (await client.get(GALLERY)).json()
    assert (job["state"], job["result"]) == ("finished", gallery)
    assert outcomes(job) == ["added", "described", "failed"]
    assert (await client.get(f"/images/{kept}", params={"fields": "alt"})).json() == {"alt": {"es": "Taza"}}
    again = await ended(client, await later(client, entries[:2]))
    assert (outcomes(again), again["result"]) == (["unchanged"] * 2, gallery)


async def test_a_busy_host_is_asked_again(patient: httpx.AsyncClient, server: ScriptedServer) -> None:
    """What has come is there meanwhile, and stays."""
    client = patient
    shop = Shop(server)
    good, busy = shop.has("/red", png()), server.url("/blue")
    seen: list[int] = []

    async def recovers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(len((await client.get(GALLERY)).json()["images"]))
        writer.write(answer(503) if len(seen) < 3 else answer(200, png("blue")))

    server.pages["/blue"] = recovers
    job = await ended(client, await later(client, [{"src": busy}, {"src": good, "alt": "Red"}]))
    assert (job["state"], outcomes(job)) == ("finished", ["added", "added"])  # the second by the first try
    assert seen == [0, 1, 1]
    assert shop.sent.count("/red") == 1  # then its host was asked whether it has changed


async def test_the_receipts_tell_what_all_tries_have_done(patient: httpx.AsyncClient, server: ScriptedServer) -> None:
    client, shop = patient, Shop(server)
    old, kept = (await added(client))["id"], (await added(client))["id"]
    tries = count()

    async def recovers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(503) if next(tries) == 0 else answer(200, png("blue")))

    server.pages["/blue"] = recovers
    entries = [{"src": shop.has("/red", png())}, {"id": kept, "alt": "Kept"}, {"src": server.url("/blue")}]
    job = await ended(client, await later(client, entries))
    assert outcomes(job) == ["added", "described", "added", "removed"]
    assert [each["id"] for each in job["receipts"]] == [*(each["id"] for each in job["result"]["images"]), old]


@pytest.mark.parametrize("on_error", ["continue", "stop"])
async def test_a_retry_undoes_nothing_that_came_after_the_list(
    patient: httpx.AsyncClient, server: ScriptedServer, on_error: str
) -> None:
    """Somebody adds a picture while a busy host is asked again."""
    client, shop = patient, Shop(server)
    tries = count()
    newer: list[int] = []

    async def stays_busy(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(tries) == 1:
            newer.append((await added(client))["id"])
        writer.write(answer(503))

    server.pages["/blue"] = stays_busy
    entries = [{"src": shop.has("/red", png())}, {"src": server.url("/blue")}]
    job = await ended(client, await later(client, entries, on_error=on_error))
    assert outcomes(job) == ["added", "failed"]
    assert next(tries) == 2  # it was the last try
    gallery = (await client.get(GALLERY)).json()
    if on_error == "stop":
        assert (job["state"], [each["id"] for each in gallery["images"]]) == ("failed", newer)
    else:
        assert (job["state"], job["result"]) == ("finished", gallery)
        assert [each["id"] for each in gallery["images"]] == [job["receipts"][0]["id"], *newer]


async def test_with_stop_or_if_match_it_is_all_or_nothing(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    shop = Shop(server)
    await added(client)
    before = await client.get(GALLERY)
    good, bad = shop.has("/red", png()), shop.has("/blue", png("blue"))
    shop.down = {"/blue": 404}
    job = await ended(client, await later(client, [{"src": good}, {"src": bad}], on_error="stop"))
    assert (job["state"], outcomes(job)) == ("failed", ["added", "failed", "removed"])
    assert (await client.get(GALLERY)).json() == before.json()

    stale = {"If-Match": before.headers["ETag"]}
    await added(client)
    job = await ended(client, await later(client, [{"src": good}], headers=stale))
    assert (job["state"], job["receipts"][0]["reason"]) == ("failed", "precondition_failed")
    fresh = {"If-Match": (await client.get(GALLERY)).headers["ETag"]}
    shop.down = {"/blue": 503}
    job = await ended(client, await later(client, [{"src": good}, {"src": bad}], headers=fresh))
    assert (job["state"], outcomes(job)[:2]) == ("finished", ["added", "failed"])


async def test_a_key_makes_one_job(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    entries = [{"src": Shop(server).has("/red", png())}]
    key = {"Idempotency-Key": "sync-1"}
    first, second = [await later(client, entries, headers=key) for _ in range(2)]
    assert (first.status_code, first.content) == (202, second.content)
    assert (await ended(client, first))["state"] == "finished"


async def test_what_is_wrong_is_said_at_once(client: httpx.AsyncClient, working: Service, shop: NewStore) -> None:
    assert (await later(client, [{}])).status_code == 422
    planned = await client.put(f"{GALLERY}?dry_run=true", json={"images": []}, headers=ASYNC)
    assert planned.status_code == 200
    assert (await client.get("/jobs")).json() == []


async def test_a_host_that_is_down_costs_no_picture_either(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    shop = Shop(server)
    entries = [{"src": shop.has("/red", png())}]
    await client.put(GALLERY, json={"images": entries})
    before = (await client.get(GALLERY)).json()
    server.pages["/red"] = answer(503)
    job = await ended(client, await later(client, entries))
    assert (job["state"], outcomes(job), job["result"]) == ("finished", ["failed"], before)
