"""The contents of the queue and the outbox, for metrics, the command line and `doctor`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.telemetry.collectors import Depth, Told

NOTHING = Depth(queued=0, running=0, held=0, oldest=0)


@dataclass(frozen=True)
class Waiting:
    """A row of the queue."""

    id: int
    kind: str
    store_id: int
    lane: str
    status: str  # `queued`, `picked` or `failed` (held)
    attempts: int
    created: datetime
    execute_after: datetime
    reason: str | None  # of the latest failure


async def depths(database: Database, kinds: Collection[str]) -> dict[str, Depth]:
    """By kind: those of `kinds`, and all others with work. Raises `DatabaseUnavailable`."""
    return dict.fromkeys(kinds, NOTHING) | {
        row.entrypoint: Depth(queued=row.queued, running=row.running, held=row.held, oldest=row.oldest)
        for row in await database.rows(_DEPTHS)
    }


async def told(database: Database) -> Told:
    """Raises `DatabaseUnavailable`."""
    [row] = await database.rows(_TOLD)
    return Told(**dict(row))


async def rows(database: Database, statuses: Sequence[str], limit: int) -> list[Waiting]:
    """The oldest first. Raises `DatabaseUnavailable`."""
    found = await database.rows(_ROWS, statuses=list(statuses), shown=limit)
    return [Waiting(**dict(row)) for row in found]


async def retry(database: Database, ids: Sequence[int]) -> list[int]:
    """Requeue held rows with no tries counted. Returns the ids that were held."""
    async with database.changes() as transaction:
        return [row.id for row in await transaction.rows(_RETRY, ids=list(ids))]


async def discard(database: Database, ids: Sequence[int]) -> list[tuple[int, str, bytes]]:
    """Delete held rows. Returns the id, kind and payload of each. Raises `DatabaseUnavailable`."""
    async with database.changes() as transaction:
        return [(row.id, row.entrypoint, row.payload) for row in await transaction.rows(_DISCARD, ids=list(ids))]


# The age counts due rows only: a row that waits for its retry is not late.
_DEPTHS = Statement(
    text("""
    SELECT entrypoint,
        count(*) FILTER (WHERE status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'picked') AS running,
        count(*) FILTER (WHERE status = 'failed') AS held,
        coalesce(extract(epoch FROM now() - min(greatest(created, execute_after))
            FILTER (WHERE status = 'queued' AND execute_after <= now())), 0)::float AS oldest
    FROM pgqueuer GROUP BY entrypoint
    """)
)
_TOLD = Statement(
    text("""
    SELECT * FROM (
        SELECT count(*) FILTER (WHERE switched_off_at IS NULL AND failing_since IS NULL) AS "on",
            count(*) FILTER (WHERE switched_off_at IS NULL AND failing_since IS NOT NULL) AS failing,
            count(*) FILTER (WHERE switched_off_at IS NOT NULL) AS off
        FROM webhooks
    ) webhooks, (
        SELECT count(*) AS waiting,
            greatest(0, coalesce(extract(epoch FROM now() - min(coalesce(next_at, created_at))), 0))::float AS oldest
        FROM deliveries WHERE state = 'waiting'
    ) deliveries
    """)
)
_ROWS = Statement(
    text("""
    SELECT id, entrypoint AS kind, store_id, lane, status::text AS status, attempts, created, execute_after,
        (SELECT traceback->>'exception_message' FROM (
            SELECT CASE jsonb_typeof(traceback) WHEN 'string' THEN (traceback #>> '{}')::jsonb ELSE traceback END
                AS traceback
            FROM pgqueuer_log WHERE job_id = pgqueuer.id AND traceback IS NOT NULL
            ORDER BY created DESC, id DESC LIMIT 1
        ) latest) AS reason
    FROM pgqueuer WHERE status::text = ANY(:statuses) ORDER BY id LIMIT :shown
    """).bindparams(bindparam("shown", type_=BigInteger))
)
_IDS = bindparam("ids", type_=ARRAY(BigInteger))
_RETRY = Statement(
    text("""
    UPDATE pgqueuer SET status = 'queued', execute_after = now(), attempts = 0, updated = now()
    WHERE id = ANY(:ids) AND status = 'failed' RETURNING id
    """).bindparams(_IDS)
)
_DISCARD = Statement(
    text(
        "DELETE FROM pgqueuer WHERE id = ANY(:ids) AND status = 'failed' RETURNING id, entrypoint, payload"
    ).bindparams(_IDS)
)
