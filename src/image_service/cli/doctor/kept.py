"""Checks of the storage: the database, the blob store, their disks and their clocks."""

import os
import pwd
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sqlalchemy import Integer, cast, column, func, select, table

from image_service.cli.doctor.findings import Finding, Findings, fail, ok, warn
from image_service.database import migrations
from image_service.database.database import Database
from image_service.database.direct import Statement
from image_service.database.migrations import CREATE_UTF8, MigrationFailed
from image_service.database.schema import advice
from image_service.errors import DatabaseUnavailable, ImageServiceError
from image_service.images import instance
from image_service.postgres.binaries import OLDEST_MAJOR
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.queue import state
from image_service.settings import Settings
from image_service.storage.base import Storage
from image_service.storage.staging import Staging

SKEW_WARN, SKEW_FAIL = (
    timedelta(seconds=5),
    timedelta(minutes=5),
)  # S3 refuses at 15 minutes
MB = 1_000_000
LATE_SECONDS = 900  # since the work was due
LEAST_FREE, LITTLE_FREE = 200 * MB, 2_000 * MB  # bytes: a handful of uploads at once; some thousand photos
LITTLE_SHARE = 0.05  # of all inodes

_clients = select(func.count()).select_from(table("pg_stat_activity")).where(column("backend_type") == "client backend")
_FACTS = Statement(
    select(
        func.current_setting("server_version").label("version"),
        cast(func.current_setting("server_version_num"), Integer).label("number"),
        cast(func.current_setting("max_connections"), Integer).label("most"),
        cast(func.current_setting("superuser_reserved_connections"), Integer).label("reserved"),
        _clients.scalar_subquery().label("used"),
        func.current_setting("transaction_read_only").label("read_only"),
        func.current_setting("server_encoding").label("encoding"),
        func.clock_timestamp().label("now"),
    )
)


def embedded(folder: Path) -> Iterator[Finding]:
    """Checks the running private PostgreSQL below `folder`."""
    running = EmbeddedPostgres.about(folder)
    if running is None:
        yield fail("postgres", f"{folder} has gone", "mount its disk again")
        return
    try:
        account = pwd.getpwuid(running.account).pw_name
    except KeyError:
        account = f"user {running.account}"
    yield ok("postgres", f"runs as {account}, its data are in {folder / 'pgdata'}, its programs in {running.programs}")


async def database(database: Database, settings: Settings) -> Findings:
    before = datetime.now(UTC)
    try:
        [facts] = await database.rows(_FACTS)
    except DatabaseUnavailable as error:
        yield fail("database", f"cannot be reached: {error}", advice(error))
        return
    after = datetime.now(UTC)
    if facts.read_only == "on":
        found = f"PostgreSQL {facts.version} takes no changes: a standby, or set to read only"
        yield fail("database", found, "let IMAGE_SERVICE_DATABASE_URL name the primary")
    elif facts.encoding != "UTF8":
        found = (
            f"PostgreSQL {facts.version} answers; the database's encoding is {facts.encoding}, which refuses most texts"
        )
        yield fail("database", found, f"dump it, create it anew with {CREATE_UTF8}, and restore the dump")
    elif facts.number // 10_000 < OLDEST_MAJOR:
        yield warn("database", f"PostgreSQL {facts.version} answers", f"upgrade it to {OLDEST_MAJOR} or later")
    else:
        yield ok("database", f"PostgreSQL {facts.version} answers")
    room, wanted = facts.most - facts.reserved, settings.database_connections
    said = f"{room} connections, {facts.used} in use; DATABASE_CONNECTIONS is {wanted}"
    if room < wanted:
        yield fail("connections", said, "raise PostgreSQL's max_connections, or lower DATABASE_CONNECTIONS")
    else:
        yield ok("connections", said)
    yield clock("database", facts.now, before, after)


async def queue(database: Database) -> Findings:
    """Checks the queue. Requires this version's schema."""
    try:
        found = (await state.depths(database, [])).values()
    except ImageServiceError as error:
        yield fail("jobs", f"cannot be looked up: {error}", "mend the database first")
        return
    waiting, held = sum(each.queued for each in found), sum(each.held for each in found)
    oldest = max((each.oldest for each in found), default=0)
    said = f"{waiting} wait, the oldest for {oldest:.0f} s; {held} are held"
    if held:
        yield warn("jobs", said, "`image-service jobs held` says why; then `jobs retry` or `jobs discard`")
    elif oldest > LATE_SECONDS:
        yield warn("jobs", said, "does `serve` run with JOBS above 0? Else more of them, or another instance")
    else:
        yield ok("jobs", said)


async def webhooks(database: Database) -> Findings:
    """Webhooks that were switched off are the stores' concern, shown in `GET /webhooks`."""
    try:
        found = await state.told(database)
    except ImageServiceError as error:
        yield fail("webhooks", f"cannot be looked up: {error}", "mend the database first")
        return
    said = f"{found.on} are told, {found.failing} fail, {found.off} are switched off; {found.waiting} events wait"
    if found.oldest > LATE_SECONDS:
        said += f", one has been due for {found.oldest:.0f} s"
        yield warn("webhooks", said, "does `serve` run with JOBS above 0? Else more of them, or another instance")
    else:
        yield ok("webhooks", said)


async def schema(url: str) -> Findings:
    try:
        current, newest = await migrations.state(url)
    except MigrationFailed as error:
        yield fail("migrations", str(error), "install the version of image-service that it belongs to, or a later one")
        return
    except ImageServiceError as error:
        yield fail("migrations", f"cannot be looked up: {error}", "mend the database first")
        return
    if current == newest:
        yield ok("migrations", f"at {newest}, this version's own")
    else:
        found = f"at {current}, this version's is {newest}" if current else "the database is empty"
        yield warn("migrations", found, "`image-service migrate` or the next start of `serve` brings it there")


async def blobs(storage: Storage, staging: Staging, database: Database, *, has_schema: bool) -> Findings:
    before = datetime.now(UTC)
    try:
        now = await storage.check()
        await staging.check()
    except ImageServiceError as error:
        mend = "is the disk mounted, with space left, and does it belong to this user? For S3: bucket and credentials"
        yield fail("storage", f"cannot be written: {error}", mend)
        return
    yield ok("storage", "bytes were written and read again")
    yield clock("storage", now, before - timedelta(seconds=1), datetime.now(UTC))  # its clock has whole seconds
    if not has_schema:
        return
    try:
        await instance.check(database, storage)
        yield ok("instance", "database and blob store belong together")
    except ImageServiceError as error:
        if await instance.stored(storage) is None and not await _has_rows(database):
            yield ok("instance", "neither holds an image yet; the first start of `serve` ties them together")
            return
        mend = "do not sweep! Point STORAGE_URL and DATABASE_URL at the same installation, or mount its disk; "
        mend += "docs/operations/backup.md says what to do after a restore of the database alone"
        yield fail("instance", str(error), mend)


def clock(check: str, theirs: datetime, before: datetime, after: datetime) -> Finding:
    """`theirs` was read between `before` and `after` by our own clock."""
    ahead = max(theirs - after, timedelta(0)) or min(theirs - before, timedelta(0))
    said = f"{abs(ahead.total_seconds()):.0f} s {'ahead of' if ahead > timedelta(0) else 'behind'} this machine's"
    mend = "let both set their clocks by NTP"
    if abs(ahead) >= SKEW_FAIL:
        return fail(f"clock of {check}", said, mend)
    if abs(ahead) >= SKEW_WARN:
        return warn(f"clock of {check}", said, mend)
    return ok(f"clock of {check}", "agrees with this machine's")


def disks(settings: Settings) -> Iterator[Finding]:
    """Checks the disks of DATA_DIR, and of the blobs if they are files elsewhere."""
    folders = [settings.data_dir]
    url = urlsplit(settings.storage_url or "")
    if url.scheme == "file":
        folders.append(Path(url2pathname(url.path)))
    seen = set()
    for folder in folders:
        there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
        if there.stat().st_dev not in seen:
            seen.add(there.stat().st_dev)
            yield from _disk(there)


def _disk(folder: Path) -> Iterator[Finding]:
    free, mend = (
        shutil.disk_usage(folder).free,
        "make room (`image-service sweep`), or move it to a larger disk",
    )
    said = f"{free / 1_000_000_000:.1f} GB free at {folder}"
    if free < LEAST_FREE:
        yield fail("disk", said, mend)
    elif free < LITTLE_FREE:
        yield warn("disk", said, mend)
    else:
        yield ok("disk", said)
    inodes = os.statvfs(folder)
    if inodes.f_files and inodes.f_favail < inodes.f_files * LITTLE_SHARE:
        mend = "every variant is a file: take a file system with more inodes (XFS), or remove other small files"
        yield warn("inodes", f"{inodes.f_favail} of {inodes.f_files} left at {folder}", mend)


async def _has_rows(database: Database) -> bool:
    return bool(await database.rows(Statement(select(column("id")).select_from(table("images")).limit(1))))
