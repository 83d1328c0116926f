"""`image-service copy-storage`."""

import sys
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from sqlalchemy import func
from sqlmodel import select

from image_service.cli.console import Json, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.images.models import ImageRow
from image_service.images.upkeep.copying import Copied, Copying, CopyState
from image_service.settings import Settings
from image_service.storage.base import Storage
from image_service.storage.opening import open_storage
from image_service.storage.places import staging_in


@dataclass
class Report:
    """Counts by kind and outcome, and the originals that are not intact in the new store."""

    originals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CopyState, 0))
    variants: dict[str, int] = field(default_factory=lambda: dict.fromkeys((CopyState.COPIED, CopyState.THERE), 0))
    bad: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [
            f"{each['state']}: image {each['image_id']} of store {each['store_id']}, {each['blob']}"
            for each in self.bad
        ]
        for kind, counts in (("originals", self.originals), ("variants", self.variants)):
            lines.append(f"{kind}: " + ", ".join(f"{count} {state}" for state, count in counts.items()))
        return "\n".join(lines)

    def add(self, copied: Copied) -> None:
        counts = self.variants if copied.image_id is None else self.originals
        counts[copied.state] += 1
        if copied.is_bad:
            self.bad.append(vars(copied))


def copy_storage(
    source: Annotated[str, typer.Argument(metavar="FROM", help="Source: file:///… or s3://bucket/prefix.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Target: file:///… or s3://bucket/prefix.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Skip blobs that exist with the same size; compare no bytes.")
    ] = False,
    originals_only: Annotated[
        bool, typer.Option("--originals-only", help="Copy no variants; they are rendered again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Copy all bytes to another blob store, while the service runs. Exits 1 if an original is damaged or missing."""

    options = {"quick": quick, "originals_only": originals_only, "show": not as_json}
    report = with_database(lambda settings, database: _copy(settings, database, source, target, **options))
    if as_json:
        print_json(vars(report))
    else:
        out.print(str(report))
    if report.bad:
        raise typer.Exit(1)


async def _copy(
    settings: Settings, database: Database, source: str, target: str, *, quick: bool, originals_only: bool, show: bool
) -> Report:
    """Copy from one URL to another, with a progress bar if `show` is set and standard error is a terminal.

    Raises `ValueError` if a URL names no blob store.
    """
    staging = staging_in(settings.data_dir)
    stores = list[Storage]()
    for url in (source, target):
        try:
            stores.append(open_storage(url, staging))
        except ValueError as error:
            raise ValueError(f"{url}: {error}") from error
    async with database.statement() as session:
        count = (await session.exec(select(func.count()).select_from(ImageRow))).one()
    report = Report()
    with _bar(show) as bar:
        originals = bar.add_task("originals", total=count)
        variants: TaskID | None = None
        async for copied in Copying(database, stores[0], stores[1], staging).run(
            quick=quick, originals_only=originals_only
        ):
            report.add(copied)
            if copied.image_id is not None:
                bar.advance(originals)
                continue
            if variants is None:
                variants = bar.add_task("variants", total=None)
            bar.advance(variants)
    return report


def _bar(show: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not (show and sys.stderr.isatty()))
