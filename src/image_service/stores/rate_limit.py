"""A leaky bucket for each store, in the database: shared by all workers and replicas, by its clock.

A call adds one to the level, and `per_second` leak out. A call that would overflow is refused and adds nothing.
"""

import math
from dataclasses import dataclass

from sqlalchemy import Float, bindparam, case, cast, extract, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert
from sqlmodel import col

from image_service.database.database import Database
from image_service.stores.models import RateBucketRow


@dataclass(frozen=True)
class Standing:
    """A store's bucket right after a call."""

    allowed: bool
    limit: int  # calls that the bucket holds
    remaining: int  # calls that would fit now
    reset: int  # milliseconds until it is empty
    retry_after: int  # seconds until one more fits; at least 1


class RateLimit:
    def __init__(self, database: Database, bucket: int, per_second: float) -> None:
        self._database = database
        self._bucket = bucket
        self._per_second = per_second
        self._statement = _statement(bucket, per_second)  # building it takes longer than running it

    async def take(self, store_id: int) -> Standing:
        """Count one call, in one statement. It waits only for calls of the same store. Raises `DatabaseUnavailable`."""
        async with self._database.statement() as session:
            level, allowed = (await session.exec(self._statement, params={"store": store_id})).one()
        return self._standing(level, allowed)

    def _standing(self, level: float, allowed: bool) -> Standing:
        return Standing(
            allowed=allowed,
            limit=self._bucket,
            remaining=max(0, math.floor(self._bucket - level)),
            reset=math.ceil(1000 * level / self._per_second),
            retry_after=max(1, math.ceil((level + 1 - self._bucket) / self._per_second)),
        )


def _statement(bucket: int, per_second: float) -> ReturningInsert[float, bool]:
    row = RateBucketRow
    # now() is the statement's start: after waiting for a lock, it may find a row with a slightly later time.
    passed = func.greatest(0.0, cast(extract("epoch", func.now() - col(row.at)), Float))
    level = func.greatest(0.0, col(row.level) - passed * per_second)
    fits = level + 1 <= bucket
    return (
        insert(row)
        .values(store_id=bindparam("store"), level=1.0, allowed=True, at=func.now())
        .on_conflict_do_update(
            index_elements=["store_id"],
            set_={
                "level": case((fits, level + 1), else_=level),
                "allowed": fits,
                "at": func.greatest(col(row.at), func.now()),
            },
        )
        .returning(col(row.level), col(row.allowed))
    )
