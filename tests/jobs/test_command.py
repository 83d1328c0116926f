"""`image-service jobs`: what waits, what is held, and what is done about it."""

from pathlib import Path
from uuid import UUID

from image_service.database.database import Database
from image_service.jobs import store_jobs
from image_service.jobs.store_jobs import NewJob, State
from image_service.stores import registry
from tests.conftest import NewDatabase
from tests.processes import Done, command


async def test_held_work_is_listed_tried_again_and_discarded(new_database: NewDatabase, tmp_path: Path) -> None:
    url = await new_database()
    database = Database(url, 4)
    store = await registry.add(database, "a shop")
    jobs = [NewJob(store.store_id, "create", {}, lane="images.example.com") for _ in range(3)]
    for job in jobs:
        await store_jobs.make(database, job, None)
    held = "UPDATE pgqueuer SET status = 'failed', attempts = 5 WHERE dedupe_key = ANY($1)"
    await database.raw(held, [job.id.hex for job in jobs[1:]])

    def run(*words: str) -> Done:
        return command(tmp_path, "jobs", *words, DATABASE_URL=url)

    [waiting] = run("list", "--json").json
    assert (waiting["kind"], waiting["lane"], waiting["status"]) == ("create", "images.example.com", "queued")
    first, second = [each["id"] for each in run("held", "--json").json]
    assert "create" in run("held").out
    told = run("retry", str(first))
    assert (told.status, told.out) == (0, f"{first} waits again.\n")
    told = run("discard", str(second), str(first))
    assert (told.status, told.out) == (1, f"{second} is discarded.\n")
    assert f"not held: {first}" in told.err
    assert run("held", "--json").json == []
    states = {job.id: (await store_jobs.of_store(database, store.store_id, UUID(job.id.hex))).state for job in jobs}
    assert states == {jobs[0].id: State.QUEUED, jobs[1].id: State.QUEUED, jobs[2].id: State.FAILED}
    await database.close()
