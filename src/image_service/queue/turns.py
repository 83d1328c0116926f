"""Chooses the queued rows that a worker takes next.

Within a store the lanes take turns, and in a lane the oldest row comes first. Between stores the rule of
`ingest/shares.py` applies: a store holds at most half of the places that the others leave free in a worker. So one
place stays free for a new store while another store's hosts hang.

Webhook work is also enqueued here: each poll adds work for every webhook that has a due delivery and no work yet.
So a change only writes its outbox rows, and no delivery is lost: if a worker misses one before its work ends, the next
poll finds it.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, Interval, Text, Uuid

from image_service.database.database import Database
from image_service.database.direct import Row, statement_of
from image_service.database.locks import Lock
from image_service.queue import outbox

LANE_PLACES = 4  # per store: browsers open at most 6 to a host, and a shop's small server has other clients


@dataclass(frozen=True)
class Claimed:
    rows: list[Row]  # whole ones
    is_more: bool  # whether due work may be left, which this worker could not take


async def claim(
    database: Database,
    worker: UUID,
    kinds: Collection[str],
    *,
    under_way: Mapping[int, int],
    places: int,
    stale: timedelta,
) -> Claimed:
    """Claims as many rows as this worker may start. `under_way` counts its running rows by store.

    Only one worker claims at a time, so a lane never exceeds its limit. Rows without a heartbeat for `stale` are
    requeued. Raises `DatabaseUnavailable`.
    """
    if sum(under_way.values()) >= places:
        return Claimed([], is_more=True)
    found = {row.found for row in await database.execute(_LOOK, stale=stale)}
    if not found:
        return Claimed([], is_more=False)
    async with database.changes() as transaction:
        await transaction.rows(_LOCK)  # a separate statement, so that the next one sees the previous claim
        if STALE in found:
            await transaction.rows(_REVIVE, stale=stale)
        waiting = await transaction.rows(_WAITING, kinds=list(kinds), lane_places=LANE_PLACES)
        chosen = choose(((row.store_id, row.id) for row in waiting), under_way, places)
        if not chosen:
            return Claimed([], is_more=True)
        taken = await transaction.rows(_TAKE, ids=chosen, worker=worker)
    is_more = any(row.is_more for row in taken)
    return Claimed(sorted(taken, key=lambda row: chosen.index(row.id)), is_more)


def choose(waiting: Iterable[tuple[int, int]], under_way: Mapping[int, int], places: int) -> list[int]:
    """The ids to start next. `waiting` has (store, id) pairs, in order within each store."""
    of_store: dict[int, deque[int]] = defaultdict(deque)
    for store_id, id in waiting:
        of_store[store_id].append(id)
    held = Counter(under_way)
    chosen: list[int] = []
    while held.total() < places:
        may = [store for store, ids in of_store.items() if ids and held[store] < _share(held, store, places)]
        if not may:
            break
        store = min(may, key=lambda each: (held[each], of_store[each][0]))
        held[store] += 1
        chosen.append(of_store[store].popleft())
    return chosen


def _share(held: Counter[int], store_id: int, places: int) -> int:
    return max(1, (places - (held.total() - held[store_id])) // 2)


STALE = "stale"
_STALE = "status = 'picked' AND heartbeat < now() - :stale"
_DUE = "status = 'queued' AND execute_after <= now()"
# Checks for work. Skips from webhook to webhook in the index, however many deliveries each has. Ignores webhooks whose
# work is held. Skips a store that is being removed: the foreign key would wait for it, and then fail. Its one parameter
# makes no difference to the plan, so PostgreSQL plans it once for a connection.
_LOOK = statement_of(
    f"""
    WITH RECURSIVE told AS (
        (SELECT webhook_id FROM deliveries WHERE state = 'waiting' ORDER BY webhook_id LIMIT 1)
        UNION ALL
        SELECT following.webhook_id FROM told CROSS JOIN LATERAL (
            SELECT webhook_id FROM deliveries
            WHERE state = 'waiting' AND webhook_id > told.webhook_id ORDER BY webhook_id LIMIT 1
        ) following
    ), without_work AS (
        SELECT webhooks.id, store_id FROM told
        JOIN webhooks ON webhooks.id = webhook_id JOIN stores ON stores.id = store_id
        WHERE EXISTS (
                SELECT FROM deliveries
                WHERE webhook_id = webhooks.id AND state = 'waiting' AND coalesce(next_at, created_at) <= now()
            )
            AND NOT EXISTS (
                SELECT FROM pgqueuer WHERE dedupe_key = CAST(webhooks.id AS text) AND status IN ('queued', 'picked')
            )
            AND NOT EXISTS (
                SELECT FROM pgqueuer WHERE dedupe_key = CAST(webhooks.id AS text) AND status = 'failed'
            )
        FOR KEY SHARE OF stores SKIP LOCKED
    ), work AS (
        INSERT INTO pgqueuer (entrypoint, store_id, lane, dedupe_key, payload)
        SELECT '{outbox.KIND}', store_id, CAST(id AS text), CAST(id AS text), uuid_send(id) FROM without_work
        ON CONFLICT DO NOTHING RETURNING 1
    )
    SELECT 'due' AS found FROM work
    UNION ALL (SELECT 'due' FROM pgqueuer WHERE {_DUE} LIMIT 1)
    UNION ALL (SELECT '{STALE}' FROM pgqueuer WHERE {_STALE} LIMIT 1)
    """,  # noqa: S608
    stale=Interval,
)
# Planning the next statements takes longer than running them; left to itself, PostgreSQL plans them each time.
_LOCK = statement_of(
    f"SELECT pg_advisory_xact_lock({Lock.CLAIM:d}), set_config('plan_cache_mode', 'force_generic_plan', TRUE)"
)
# This counts as a try, so that work that kills its worker is not retried forever.
_REVIVE = statement_of(
    f"""UPDATE pgqueuer SET status = 'queued', queue_manager_id = NULL, attempts = attempts + 1, updated = now()
    WHERE {_STALE}""",  # noqa: S608
    stale=Interval,
)
# Skips from lane to lane in the index, however long each is. Returns a store's rows in the order of their turns.
_WAITING = statement_of(
    f"""
    WITH RECURSIVE lanes AS (
        (SELECT store_id, lane FROM pgqueuer WHERE status = 'queued' ORDER BY store_id, lane LIMIT 1)
        UNION ALL
        SELECT following.store_id, following.lane FROM lanes CROSS JOIN LATERAL (
            SELECT store_id, lane FROM pgqueuer
            WHERE status = 'queued' AND (store_id, lane) > (lanes.store_id, lanes.lane)
            ORDER BY store_id, lane LIMIT 1
        ) following
    ), picked AS (
        SELECT store_id, lane, count(*) AS jobs FROM pgqueuer WHERE status = 'picked' GROUP BY store_id, lane
    )
    SELECT lanes.store_id, first.id
    FROM lanes LEFT JOIN picked USING (store_id, lane) CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY priority DESC, id) + coalesce(jobs, 0) AS turn FROM (
            SELECT id, priority FROM pgqueuer
            WHERE store_id = lanes.store_id AND lane = lanes.lane AND {_DUE} AND entrypoint = ANY(:kinds)
            ORDER BY priority DESC, id LIMIT greatest(0, :lane_places - coalesce(jobs, 0))
        ) oldest
    ) first
    ORDER BY lanes.store_id, first.turn, first.id
    """,  # noqa: S608
    kinds=ARRAY(Text),
    lane_places=BigInteger,
)
_TAKE = statement_of(
    f"""UPDATE pgqueuer SET status = 'picked', queue_manager_id = :worker, heartbeat = now(), updated = now()
    WHERE id = ANY(:ids) AND status = 'queued'
    RETURNING *, EXISTS (SELECT FROM pgqueuer WHERE {_DUE} AND NOT id = ANY(:ids)) AS is_more""",  # noqa: S608
    ids=ARRAY(BigInteger),
    worker=Uuid,
)
