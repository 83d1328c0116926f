"""Lists all blobs, a slice at a time, to find those without a row: a sweep of the database cannot find them.

Originals lie in 256 folders by the first two digits of their keys, which are random: each folder is a fair sample.
Variants lie by store. Folders are read in name order, so that one name records an audit's progress.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, exists, func, literal
from sqlalchemy.sql.elements import ColumnElement
from sqlmodel import col, select
from sqlmodel.sql.expression import SelectOfScalar

from image_service.database.database import Database
from image_service.errors import BlobNotFound, ImageServiceError
from image_service.images.models import ImageRow, ReservationRow, TrashRow
from image_service.images.upkeep import runs
from image_service.images.upkeep.sweep import BATCH, NO_STORE, STRAY_AGE, Found, to_trash
from image_service.storage.base import Storage
from image_service.storage.names import VariantName, key_of_original

ORIGINALS, VARIANTS = "private/", "public/stores/"
MAX_STRAY_SHARE = 0.05  # of the originals: more means a wrong database, not left-overs
JUDGED = 2000  # least originals for the 5 % rule: of fewer it would say little
PORTION = 20_000  # names a sweep reads, a second or two of work: lost if its process is killed
SPREAD = 0.5  # of the interval between audits: how long one that is not `whole` takes
KEYS = 2000  # in one statement
ASKED = 16  # files or objects asked for their age at once


class SweepRefused(ImageServiceError):
    """So many originals without a row that something else must be wrong."""


_KEY: ColumnElement[UUID] = func.unnest(bindparam("keys", type_=ARRAY(Uuid))).column_valued("asked")
_OF_AN_IMAGE = exists().where(col(ImageRow.key) == _KEY)
# Of an upload under way. Not if a day old: in a restored database it may belong to an image whose row is lost.
_RESERVED = exists().where(
    col(ReservationRow.key) == _KEY, col(ReservationRow.reserved_at) >= func.now() - literal(STRAY_AGE)
)
_NEITHER = select(_KEY).where(~_OF_AN_IMAGE, ~_RESERVED)  # one snapshot: keys move between the tables
_OF_NO_IMAGE = select(_KEY).where(~_OF_AN_IMAGE)


@dataclass(frozen=True)
class Round:
    """An audit's progress, stored in the database so that the next sweep can resume it."""

    whole: bool  # before any sweep that lists nothing; else spread over days
    mark: str | None  # the blob store's when it began
    began: float  # Unix time
    at: float  # Unix time, of the last folder
    after: str = ""  # the last folder that is done
    seconds: float = 0.0  # of work
    originals: int = 0
    strayed: int = 0  # of these, in the trash or put there
    strays: int = 0
    variants: int = 0


@dataclass
class _Slice:
    """Folders that are judged together."""

    first: str
    last: str = ""
    originals: int = 0
    unknown: dict[UUID, str] = field(default_factory=dict)  # names by key, not looked up in the database yet
    unnamed: list[tuple[UUID, str]] = field(default_factory=list)


class Audit:
    """One run, which continues the round. Used once."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        round_: Round,
        *,
        interval: float,
        dry_run: bool = False,
        force: bool = False,
        judged: int = JUDGED,
        portion: int = PORTION,
    ) -> None:
        self._database = database
        self._storage = storage
        self._round = round_
        self._interval = interval
        self._dry_run = dry_run
        self._force = force
        self._judged = judged
        self._portion = portion
        self._seen = self._noted = 0  # names: in this run, and when the round was last kept

    async def run(self, oldest: datetime) -> Found:
        """Put strays before `oldest` in the trash; remove variants without a live image at any age.

        Raises `SweepRefused` before it changes a slice with over 5 % strays, unless `force`; earlier slices stay done.
        """
        before, since = self._round, time.monotonic()
        try:
            ended = await self._originals(oldest) and await self._variants()
        except SweepRefused:
            if not self._dry_run:
                await self._keep()
            raise
        self._round = replace(self._round, seconds=before.seconds + time.monotonic() - since)
        if not self._dry_run:
            await (self._finish() if ended else self._keep())
        return Found(self._round.strays - before.strays, self._round.variants - before.variants)

    async def _originals(self, oldest: datetime) -> bool:
        """Whether all are done."""
        folders = await self._storage.folders(ORIGINALS)
        part: _Slice | None = None
        for number, folder in enumerate(folders, 1):
            if folder <= self._round.after:
                continue
            part = part or _Slice(folder)
            await self._look_into(folder, part)
            if part.originals >= self._judged or number == len(folders):
                await self._judge(part, oldest)
                part = None
                if not await self._goes_on(number / len(folders) / 2):
                    return False
        return True

    async def _look_into(self, folder: str, part: _Slice) -> None:
        part.last = folder
        async for names in self._names(folder):
            keyed = {UUID(key): name for name in names if (key := key_of_original(name))}
            part.originals += len(keyed)
            part.unknown |= keyed
            if len(part.unknown) >= KEYS:
                await self._look_up(part)

    async def _look_up(self, part: _Slice) -> None:
        part.unnamed += [(key, part.unknown[key]) for key in await self._those(_NEITHER, list(part.unknown))]
        part.unknown = {}

    async def _judge(self, part: _Slice, oldest: datetime) -> None:
        """A small last slice is judged together with all slices before it."""
        await self._look_up(part)
        alone = part.originals >= self._judged
        originals = part.originals + (0 if alone else self._round.originals)
        strayed = 0 if alone else self._round.strayed
        waiting, strays = 0, list[UUID]()
        for start in range(0, len(part.unnamed), BATCH):
            aged = await self._aged(part.unnamed[start : start + BATCH], oldest)
            trashed = await self._trashed(aged)
            waiting += sum(store == NO_STORE for store in trashed.values())
            strays += [key for key in aged if key not in trashed]
            found = strayed + waiting + len(strays)
            if strays and found > originals * MAX_STRAY_SHARE and not self._force:
                where = f"{part.first} to {part.last}" if alone else "all folders"
                raise SweepRefused(f"{found} of {originals} originals have no row, in {where}; --force removes them")
        if not self._dry_run:
            await to_trash(self._database, strays)
        self._round = replace(
            self._round,
            after=part.last,
            originals=self._round.originals + part.originals,
            strayed=self._round.strayed + waiting + len(strays),
            strays=self._round.strays + len(strays),
        )

    async def _variants(self) -> bool:
        """Whether all are done. Removes variants of no live image at any age: only images with a row are rendered,
        and a key that loses its row never regains it.
        """
        folders = await self._storage.folders(VARIANTS)
        for number, folder in enumerate(folders, 1):
            if folder <= self._round.after:
                continue
            removed = 0
            async for names in self._names(folder):
                keyed = [(UUID(found.key), name) for name in names if (found := _variant(name))]
                gone = set(await self._those(_OF_NO_IMAGE, list({key for key, _ in keyed})))
                dead = [name for key, name in keyed if key in gone]
                removed += len(dead)
                if not self._dry_run:
                    await self._storage.delete(dead)
            self._round = replace(self._round, after=folder, variants=self._round.variants + removed)
            if not await self._goes_on((1 + number / len(folders)) / 2):
                return number == len(folders)
        return True

    async def _names(self, folder: str) -> AsyncIterator[Sequence[str]]:
        """Unless `whole`, an audit sleeps as long as it works."""
        since = time.monotonic()
        async for names in self._storage.names(folder):
            self._seen += len(names)
            yield names
            if not self._round.whole and not self._dry_run:
                await asyncio.sleep(time.monotonic() - since)
            since = time.monotonic()

    async def _goes_on(self, done: float) -> bool:
        """Stores the round from time to time. Unless `whole`, an audit stops if it is ahead of schedule."""
        if self._dry_run:
            return True
        if self._seen - self._noted >= self._portion:
            await self._keep()
            self._noted = self._seen
        passed = time.time() - self._round.began
        return self._round.whole or self._seen < self._portion or passed > done * self._interval * SPREAD

    async def _keep(self) -> None:
        await runs.keep_cursor(self._database, runs.AUDIT, asdict(replace(self._round, at=time.time())))

    async def _finish(self) -> None:
        counts = {"strays": self._round.strays, "variants": self._round.variants}
        await runs.succeeded(self._database, runs.AUDIT, self._round.seconds, counts)

    async def _those(self, statement: SelectOfScalar[UUID], keys: list[UUID]) -> Sequence[UUID]:
        """The keys that no row has. They are few; the keys that rows have would be nearly all."""
        async with self._database.statement() as session:
            return (await session.exec(statement, params={"keys": keys})).all()

    async def _trashed(self, keys: list[UUID]) -> dict[UUID, int]:
        """Keys in the trash, with store ids."""
        theirs = col(TrashRow.key) == func.any(literal(keys, ARRAY(Uuid)))
        statement = select(TrashRow.key, TrashRow.store_id).where(theirs)
        async with self._database.statement() as session:
            return dict((await session.exec(statement)).all())

    async def _aged(self, unnamed: Sequence[tuple[UUID, str]], oldest: datetime) -> list[UUID]:
        """Check the age of the few without a row: the previous version reserves no keys."""

        async def is_old(name: str) -> bool:
            try:
                return (await self._storage.describe(name)).modified < oldest
            except BlobNotFound:
                return False

        aged: list[UUID] = []
        for start in range(0, len(unnamed), ASKED):
            some = unnamed[start : start + ASKED]
            old = await asyncio.gather(*(is_old(name) for _, name in some))
            aged += [key for (key, _), is_one in zip(some, old, strict=True) if is_one]
        return aged


def _variant(name: str) -> VariantName | None:
    return VariantName.parse(name.removeprefix("public/"))
