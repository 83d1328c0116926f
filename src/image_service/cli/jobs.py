"""`image-service jobs`: lists the queue, and handles held work."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from image_service.cli.console import Json, examples, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.database.limits import MAX_BIGINT
from image_service.jobs import held as held_jobs
from image_service.queue import state
from image_service.settings import Settings

jobs = typer.Typer(
    help="Queued work: asynchronous creates, syncs, webhooks.", no_args_is_help=True, rich_markup_mode=None
)

MOST = 1000  # rows shown
Ids = Annotated[list[int], typer.Argument(help="Ids as listed by `jobs held`.", min=1, max=MAX_BIGINT)]


@jobs.command("list", epilog=examples("image-service jobs list", "image-service jobs list --json"))
def jobs_list(as_json: Json = False) -> None:
    """List what waits and what is being done, the oldest first, 1,000 at the most."""
    _show(["queued", "picked"], as_json=as_json)


@jobs.command("held", epilog=examples("image-service jobs held"))
def jobs_held(as_json: Json = False) -> None:
    """List what has failed over and over, with its latest error."""
    _show(["failed"], as_json=as_json)


@jobs.command("retry", epilog=examples("image-service jobs retry 17"))
def jobs_retry(ids: Ids) -> None:
    """Put held work back into the queue, as if it had not been tried."""

    async def work(_: Settings, database: Database) -> Any:
        return await state.retry(database, ids)

    _say(ids, with_database(work), "waits again")


@jobs.command("discard", epilog=examples("image-service jobs discard 17"))
def jobs_discard(ids: Ids) -> None:
    """Drop held work. Its store is told that the job has failed."""

    async def work(_: Settings, database: Database) -> Any:
        return await held_jobs.discard(database, ids)

    _say(ids, with_database(work), "is discarded")


def _say(ids: Sequence[int], done: Sequence[int], what: str) -> None:
    for id in done:
        out.print(f"{id} {what}.")
    if missing := sorted(set(ids) - set(done)):
        raise ValueError(f"not held: {', '.join(map(str, missing))}")


def _show(statuses: list[str], *, as_json: bool) -> None:
    async def work(_: Settings, database: Database) -> list[state.Waiting]:
        return await state.rows(database, statuses, MOST)

    found = with_database(work)
    if as_json:
        print_json([vars(each) for each in found])
        return
    columns = ["id", "kind", "store_id", "lane", "status", "attempts", "created", "reason"]
    table = Table(*columns)
    for each in found:
        values = {**vars(each), "created": each.created.isoformat(timespec="seconds"), "reason": each.reason or ""}
        table.add_row(*(Text(str(values[column])) for column in columns))
    out.print(table)
