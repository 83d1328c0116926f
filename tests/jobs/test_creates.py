"""Creates by URL with `Prefer: respond-async`: answered at once, done once, with a reason where nothing came of it."""

import asyncio
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.ingest.server import ScriptedServer, answer, redirect, then_silence
from tests.jobs.conftest import ASYNC, SECONDS, asked, ended
from tests.shop import form, order, png


async def test_the_answer_comes_before_the_picture(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    may_answer = asyncio.Event()

    async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await may_answer.wait()
        writer.write(answer(200, png()))

    server.pages["/cup.png"] = waits
    accepted = await asked(client, server.url("/cup.png"), alt="Taza", position=1, filename="mug.png")
    assert accepted.status_code == 202
    assert accepted.headers["Preference-Applied"] == "respond-async"
    job = accepted.json()
    assert accepted.headers["Location"] == f"http://api.test/jobs/{job['id']}"
    assert (job["kind"], job["state"], job["result"], job["receipts"], job["finished_at"]) == (
        "create",
        "queued",
        None,
        [],
        None,
    )
    may_answer.set()
    done = await ended(client, accepted)
    assert done["state"] == "finished"
    [image] = (await client.get("/products/1/images", params={"fields": "all"})).json()
    assert done["result"] == {name: image[name] for name in done["result"]}
    assert done["result"].keys() == {"id", "src", "position", "product_id", "created_at", "updated_at"}
    assert (image["alt"], image["filename"], image["source_url"]) == ("Taza", "mug.png", server.url("/cup.png"))
    assert done["receipts"] == [{"index": 0, "id": image["id"], "outcome": "added", "reason": None, "status": None}]


@pytest.mark.parametrize("prefix", ["/v1/{}", "/2025-03/{}"])
async def test_under_the_versioned_prefixes_too(
    client: httpx.AsyncClient, shop: NewStore, server: ScriptedServer, prefix: str
) -> None:
    server.pages["/cup.png"] = answer(200, png())
    where = f"{prefix.format(shop.store_id)}/products/1/images"
    accepted = await client.post(where, json={"src": server.url("/cup.png")}, headers=ASYNC)
    assert (await ended(client, accepted))["state"] == "finished"


@pytest.mark.parametrize(
    "preference", ["wait=5, Respond-Async", "respond-async; q=1", "handling=lenient,respond-async"]
)
async def test_a_preference_among_others(client: httpx.AsyncClient, server: ScriptedServer, preference: str) -> None:
    server.pages["/cup.png"] = answer(200, png())
    body = {"src": server.url("/cup.png")}
    accepted = await client.post("/products/1/images", json=body, headers={"Prefer": preference})
    assert (await ended(client, accepted))["state"] == "finished"
    other = await client.post("/products/1/images", json=body, headers={"Prefer": "return=minimal"})
    assert other.status_code == 201


async def test_what_brings_its_picture_along_is_done_at_once(client: httpx.AsyncClient) -> None:
    made = await client.post("/products/1/images", files=form(), headers=ASYNC)
    assert (made.status_code, "Preference-Applied" in made.headers) == (201, False)
    copied = await asked(client, made.json()["src"])
    assert copied.status_code == 201


@pytest.mark.parametrize(("on_duplicate", "status"), [("reuse", 200), ("refuse", 409)])
async def test_what_depends_on_a_duplicate_is_done_at_once(
    client: httpx.AsyncClient, server: ScriptedServer, on_duplicate: str, status: int
) -> None:
    await client.post("/products/1/images", files=form())
    server.pages["/same.png"] = answer(200, png(), Content_Type="image/png")
    route = f"/products/1/images?on_duplicate={on_duplicate}"
    made = await client.post(route, json={"src": server.url("/same.png")}, headers=ASYNC)
    assert (made.status_code, "Preference-Applied" in made.headers) == (status, False)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"src": "ftp://example.com/cup.png"}, "not_fetched"),
        ({"src": "http://user:secret@example.com/"}, "not_fetched"),
        ({"src": "http://127.0.0.1/cup.png", "position": 0}, "invalid_field"),
        ({"src": "http://127.0.0.1/cup.png", "product_id": 2}, "invalid_field"),
        ({}, "nothing_given"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said_at_once(
    client: httpx.AsyncClient, body: dict[str, Any], problem: str
) -> None:
    refused = await client.post("/products/1/images", json=body, headers=ASYNC)
    assert (refused.status_code, refused.headers["Problem"]) == (422, problem)
    assert (await client.get("/jobs")).json() == []


FINAL: dict[str, tuple[bytes, str, int | None]] = {
    "400": (answer(400), "bad_status", 400),
    "401": (answer(401), "forbidden", 401),
    "403": (answer(403), "forbidden", 403),
    "404": (answer(404), "not_found", 404),
    "410": (answer(410), "gone", 410),
    "no picture": (answer(200, b"sorry"), "not_an_image", None),
    "a web page": (answer(200, b"<html>sorry</html>"), "other_format", None),
    "half a picture": (answer(200, png(size=(64, 64))[:-40]), "cut_short", None),
    "nothing": (answer(200), "empty", None),
}


@pytest.mark.parametrize("case", FINAL)
async def test_what_is_final_is_asked_once(client: httpx.AsyncClient, server: ScriptedServer, case: str) -> None:
    page, reason, status = FINAL[case]
    server.pages["/cup.png"] = page
    job = await ended(client, await asked(client, server.url("/cup.png")))
    assert (job["state"], job["result"]) == ("failed", None)
    assert job["receipts"] == [{"index": 0, "id": None, "outcome": "failed", "reason": reason, "status": status}]
    assert len(server.asked) == 1
    assert (await client.get("/products/1/images")).json() == []


PASSING: dict[str, tuple[bytes, str, int | None]] = {
    "429": (answer(429), "too_many_requests", 429),
    "500": (answer(500), "host_error", 500),
    "503": (answer(503), "host_error", 503),
    "cut off": (answer(200, png()[:50], Content_Length="500"), "cut_off", None),
}


@pytest.mark.parametrize("case", PASSING)
async def test_what_may_pass_is_asked_again_and_no_more_than_six_times(
    client: httpx.AsyncClient, server: ScriptedServer, case: str
) -> None:
    page, reason, status = PASSING[case]
    server.pages["/cup.png"] = page
    job = await ended(client, await asked(client, server.url("/cup.png")))
    assert job["receipts"] == [{"index": 0, "id": None, "outcome": "failed", "reason": reason, "status": status}]
    assert 1 < len(server.asked) <= 6


async def test_a_host_that_recovers(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    failed_once = asyncio.Event()

    async def recovers(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(200, png()) if failed_once.is_set() else answer(503))
        failed_once.set()

    server.pages["/cup.png"] = recovers
    job = await ended(client, await asked(client, server.url("/cup.png")))
    assert job["state"] == "finished"
    assert len(server.asked) == 2


async def test_a_host_that_asks_for_more_patience_than_there_is_is_not_asked_again(
    client: httpx.AsyncClient, server: ScriptedServer
) -> None:
    server.pages["/cup.png"] = answer(429, Retry_After="3600")
    job = await ended(client, await asked(client, server.url("/cup.png")))
    assert job["receipts"][0]["reason"] == "too_many_requests"
    assert len(server.asked) == 1


async def test_until_a_checked_host_has_answered_every_failure_reads_the_same(
    client: httpx.AsyncClient, server: ScriptedServer
) -> None:
    server.pages["/away"] = redirect("http://127.0.0.1:1/closed")
    for src in (server.url("/away"), "http://no-such-name.invalid/cup.png"):
        job = await ended(client, await asked(client, src))
        assert job["receipts"] == [
            {"index": 0, "id": None, "outcome": "failed", "reason": "not_fetched", "status": None}
        ]


async def test_a_repeat_with_its_key_is_the_same_job(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/cup.png"] = answer(200, png())
    body, headers = {"src": server.url("/cup.png")}, {**ASYNC, "Idempotency-Key": "one"}
    first, *others = [await client.post("/products/1/images", json=body, headers=headers) for _ in range(3)]
    for each in others:
        assert (each.status_code, each.headers["Location"], each.content) == (
            202,
            first.headers["Location"],
            first.content,
        )
    await ended(client, first)
    again = await client.post("/products/1/images", json=body, headers=headers)
    assert again.content == first.content
    assert len(await order(client, 1)) == 1
    other = await client.post("/products/2/images", json=body, headers=headers)
    assert other.status_code == 422


async def test_if_match_is_tested_when_the_image_is_made(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/cup.png"] = answer(200, png())
    body = {"src": server.url("/cup.png")}
    accepted = await client.post("/products/1/images", json=body, headers={**ASYNC, "If-Match": '"7-abc"'})
    assert (await ended(client, accepted))["receipts"][0]["reason"] == "precondition_failed"


async def test_a_full_product(client: httpx.AsyncClient, working: Service, server: ScriptedServer) -> None:
    server.pages["/cup.png"] = answer(200, png())
    most = working.settings.max_images_per_product
    made = (await client.post("/products/1/images", files=form())).json()["id"]
    await working.database.raw(
        """INSERT INTO images
        (store_id, product_id, position, key, slug, filename, sha256, bytes, format, width, height, frames, thumbhash)
        SELECT store_id, product_id, n, gen_random_uuid(), slug, filename, sha256, bytes, format, width, height, frames,
        thumbhash FROM images, generate_series(2, $2) n WHERE id = $1""",
        made,
        most,
    )
    job = await ended(client, await asked(client, server.url("/cup.png")))
    assert job["receipts"][0]["reason"] == "gallery_full"


async def test_a_host_gets_four_connections_of_a_store(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    open_now, most = 0, 0

    async def slow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.1)
        writer.write(answer(200, png()))
        open_now -= 1

    server.pages["/cup.png"] = slow
    accepted = [await asked(client, server.url("/cup.png")) for _ in range(12)]
    for each in accepted:
        assert (await ended(client, each))["state"] == "finished"
    assert 1 < most <= 4


async def test_a_store_whose_hosts_hang_delays_no_other(
    client: httpx.AsyncClient, working: Service, server: ScriptedServer
) -> None:
    server.pages["/hangs"] = then_silence(b"")
    server.pages["/cup.png"] = answer(200, png())
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    for number in range(12):
        await asked(client, server.url("/hangs").replace("127.0.0.1", hosts[number % 3]))
    other = await working.new_store()
    async with working.client(headers={"Authorization": f"Bearer {other.token}"}) as another:
        accepted = [await asked(another, server.url("/cup.png")) for _ in range(6)]
        for each in accepted:
            assert (await ended(another, each))["state"] == "finished"
    hanging = (await client.get("/jobs")).json()
    assert not [job for job in hanging if job["state"] == "finished"]


async def test_a_removed_store_takes_its_jobs_along(
    client: httpx.AsyncClient, working: Service, shop: NewStore, server: ScriptedServer
) -> None:
    """Also one that is being done."""
    may_answer, has_asked = asyncio.Event(), asyncio.Event()

    async def waits(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        has_asked.set()
        await may_answer.wait()
        writer.write(answer(200, png()))

    server.pages["/cup.png"] = waits
    await asked(client, server.url("/cup.png"))
    async with asyncio.timeout(SECONDS):
        await has_asked.wait()
    await working.remove_store(shop.store_id)
    may_answer.set()
    left = """SELECT 1 FROM store_jobs WHERE store_id = $1 UNION ALL SELECT 1 FROM pgqueuer WHERE store_id = $1
    UNION ALL SELECT 1 FROM images WHERE store_id = $1"""
    assert not await working.database.raw(left, shop.store_id)
