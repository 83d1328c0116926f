"""`/jobs`: a store's own, shown, listed, cancelled before they have begun, and kept for 30 days."""

from uuid import UUID

import httpx

from image_service.jobs import upkeep
from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.ingest.server import ScriptedServer, answer
from tests.jobs.conftest import ASYNC, asked, ended
from tests.shop import png

NOBODYS = "0" * 32


def problem(answer: httpx.Response) -> tuple[int, str, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body.keys() >= {"code", "title", "status", "detail"}
    assert (body["status"], body["code"]) == (answer.status_code, answer.headers["Problem"])
    return answer.status_code, body["code"], body["detail"]


async def test_another_store_s_job_does_not_exist(
    client: httpx.AsyncClient, working: Service, server: ScriptedServer
) -> None:
    server.pages["/cup.png"] = answer(200, png())
    accepted = await asked(client, server.url("/cup.png"))
    where = f"/jobs/{accepted.json()['id']}"
    other = await working.new_store()
    async with working.client(headers={"Authorization": f"Bearer {other.token}"}) as another:
        for path in (where, f"/jobs/{NOBODYS}", "/jobs/17", "/jobs/x"):
            assert problem(await another.get(path))[:2] == (404, "job_not_found")
            assert problem(await another.delete(path))[:2] == (404, "job_not_found")
        assert (await another.get("/jobs")).json() == []
    assert (await ended(client, accepted))["state"] == "finished"  # nobody else has cancelled it


async def test_without_a_token_and_with_one_that_may_only_read(
    client: httpx.AsyncClient, working: Service, server: ScriptedServer, shop: NewStore
) -> None:
    async with working.client() as anyone:
        assert problem(await anyone.get("/jobs"))[0] == 401
        assert problem(await anyone.get(f"/jobs/{NOBODYS}"))[0] == 401


async def test_a_list_in_pages_by_state(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/cup.png"] = answer(200, png())
    for path in ("/cup.png", "/none.png", "/cup.png"):
        await ended(client, await asked(client, server.url(path)))
    jobs = await client.get("/jobs")
    assert [job["state"] for job in jobs.json()] == ["finished", "failed", "finished"]  # the newest first
    assert jobs.headers["X-Total-Count"] == "3"
    failed = await client.get("/jobs", params={"state": "failed"})
    assert [job["receipts"][0]["reason"] for job in failed.json()] == ["not_found"]
    second = await client.get("/jobs", params={"page": 2, "per_page": 2})
    assert second.json() == jobs.json()[2:]
    assert 'rel="prev"' in second.headers["Link"]
    lost = await client.get("/jobs", params={"state": "lost"})
    assert problem(lost)[:2] == (422, "invalid_field")
    states = "must be 'queued', 'running', 'finished', 'failed' or 'cancelled'"
    assert lost.json()["errors"] == {"state": [states]}


async def test_cancelled_before_it_has_begun_and_not_afterwards(service: Service, server: ScriptedServer) -> None:
    """In a service that does no jobs."""
    server.pages["/cup.png"] = answer(200, png())
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        accepted, other = [await asked(client, server.url("/cup.png")) for _ in range(2)]
        where = accepted.headers["Location"]
        for _ in range(2):
            cancelled = await client.delete(where)
            assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        assert (await client.get(where)).json() == cancelled.json()
        assert cancelled.json()["finished_at"] is not None
        waiting = await service.database.raw("SELECT dedupe_key FROM pgqueuer WHERE store_id = $1", store.store_id)
        assert [row.dedupe_key for row in waiting] == [other.json()["id"]]

        id = UUID(other.json()["id"])
        for state in ("running", "finished", "failed"):
            await service.database.raw("UPDATE store_jobs SET state = $1 WHERE id = $2", state, id)
            assert problem(await client.delete(f"/jobs/{id.hex}"))[:2] == (409, "job_begun")
        assert await service.database.raw("SELECT 1 FROM pgqueuer WHERE store_id = $1", store.store_id)  # its next try


async def test_kept_for_thirty_days(service: Service, server: ScriptedServer) -> None:
    store = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        old, young = [await asked(client, server.url("/cup.png")) for _ in range(2)]
        for answer_, days in ((old, 31), (young, 29)):
            await service.database.raw(
                "UPDATE store_jobs SET created_at = now() - make_interval(days => $1) WHERE id = $2",
                days,
                UUID(answer_.json()["id"]),
            )
        assert (await upkeep.forget(service.database, True))["jobs"] >= 1
        assert (await client.get(old.headers["Location"])).status_code == 200
        assert (await upkeep.forget(service.database, False))["jobs"] >= 1
        assert (await client.get(old.headers["Location"])).status_code == 404
        assert (await client.get(young.headers["Location"])).status_code == 200


async def test_a_request_that_is_rolled_back_leaves_no_job(service: Service, server: ScriptedServer) -> None:
    """Its key has been taken over: neither the job nor its row of the queue stays."""
    store = await service.new_store()
    body, headers = {"src": server.url("/cup.png")}, {**ASYNC, "Idempotency-Key": "lost"}
    await service.database.raw(
        """CREATE OR REPLACE FUNCTION lose() RETURNS trigger AS 'BEGIN RETURN NULL; END' LANGUAGE plpgsql"""
    )
    await service.database.raw(
        "CREATE TRIGGER lose BEFORE UPDATE ON idempotency_keys FOR EACH ROW WHEN (OLD.key = 'lost')"
        " EXECUTE FUNCTION lose()"
    )
    try:
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            answered = await client.post("/products/1/images", json=body, headers=headers)
            assert answered.status_code == 409
            assert (await client.get("/jobs")).json() == []
    finally:
        await service.database.raw("DROP TRIGGER lose ON idempotency_keys")
    assert not await service.database.raw("SELECT 1 FROM pgqueuer WHERE store_id = $1", store.store_id)
