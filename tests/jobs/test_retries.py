"""What counts as a try of a job, and how long its retries go on."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from image_service.errors import DatabaseUnavailable, StorageUnavailable
from image_service.jobs import store_jobs
from image_service.jobs.creates import KIND
from image_service.jobs.retries import PAUSES, TRIES_AGAIN, Retries
from image_service.jobs.store_jobs import NewJob, StoreJob
from image_service.queue.task import Again, Task
from tests.conftest import Service


async def test_outages_use_up_no_tries(service: Service) -> None:
    job = NewJob((await service.new_store()).store_id, KIND, {"product_id": 1})
    await store_jobs.make(service.database, job, None)
    runs: list[StoreJob] = []
    ends: Iterator[Exception] = iter(
        [StorageUnavailable("away"), DatabaseUnavailable("away")] * TRIES_AGAIN + [Again(2.0), StorageUnavailable("")]
    )

    async def run(begun: StoreJob) -> None:
        runs.append(begun)
        end = next(ends, None)
        if end is None:
            return
        if isinstance(end, Again):
            async with service.database.changes() as transaction:
                await store_jobs.note_refusal(transaction, begun, [])
        raise end

    handle = store_jobs.handler(service.database, run)
    while len(runs) < 2 * TRIES_AGAIN + 3:
        with suppress(StorageUnavailable, DatabaseUnavailable, Again):
            await handle(Task(1, KIND, job.id.bytes, len(runs)))
    assert [each.tries for each in runs] == [0] * (2 * TRIES_AGAIN + 1) + [1, 1]
    assert [each.first_refused_at is None for each in runs[-3:]] == [True, False, False]
    assert runs[-1].first_refused_at == runs[-2].first_refused_at


@pytest.mark.parametrize(
    ("tries", "refused", "reason", "retry_after", "pause"),
    [
        (0, None, "host_error", None, PAUSES[0]),
        (0, None, "too_many_requests", 7.0, 7.0),
        (0, None, "too_many_requests", 31.0, None),
        (0, None, "not_found", None, None),
        (TRIES_AGAIN - 1, 60, "timed_out", None, PAUSES[-1]),
        (TRIES_AGAIN, 60, "timed_out", None, None),
        (1, 121, "timed_out", None, None),
    ],
)
def test_five_retries_within_two_minutes_of_the_first_refusal(
    tries: int, refused: int | None, reason: str, retry_after: float | None, pause: float | None
) -> None:
    first = None if refused is None else datetime.now(UTC) - timedelta(seconds=refused)
    assert Retries().pause(tries, first, reason, retry_after) == pause
