"""`image-service import`."""

import asyncio
import fcntl
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

from image_service.cli import calling
from image_service.cli.calling import TokenStdin, Url
from image_service.cli.console import Json, out, print_json
from image_service.cli.importing.csv_file import CsvFile, columns_in
from image_service.cli.importing.folder import Folder
from image_service.cli.importing.report import Line, Report, Status
from image_service.cli.importing.rows import BadRow, Input, Row, RowError, picture_fault
from image_service.cli.importing.run import Import, Known
from image_service.cli.importing.service import Service, Stopped

ALREADY = "already"  # added by an earlier run
LOUD = {Status.FAILED, Status.UNKNOWN}

err = Console(stderr=True, soft_wrap=True, highlight=False)


def import_images(
    source: Annotated[Path, typer.Argument(metavar="FILE.csv|DIR", help="What to import.", exists=True)],
    url: Url = None,
    token_stdin: TokenStdin = False,
    concurrency: Annotated[int, typer.Option(help="Images sent at once.", min=1, max=64)] = 4,
    report: Annotated[
        Path | None, typer.Option(help="Report: one line for each image.  [default: FILE.csv.report.csv]")
    ] = None,
    patience: Annotated[
        float, typer.Option(help="Seconds to retry an image while the service is busy or down.", min=0)
    ] = 120,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check the file and the pictures that it names; send nothing.")
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS,…", help="Columns of FILE.csv that have other names."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send the pictures that a CSV file or a folder names to a running service.

    FILE.csv, in UTF-8 or UTF-16, has the columns product_id or product_key (your own; a product is made where none
    has it yet); src (a URL, which the service fetches) or path (a file,
    relative to FILE.csv); and if you like position, alt, and alt_en, alt_es, … for a text in each language. DIR holds
    DIR/PRODUCT_ID/NAME; a product's files follow each other by name.

    Run it again to send what is missing or has failed: the report says what is in. Images of a product keep the
    order of their rows.

    Exits 0 if all images are in, 1 if some are not or it could not begin, 130 after Ctrl-C.
    """
    folder = Path(os.path.abspath(source))  # noqa: PTH100 - keeps a symlink's name, and resolves "."
    found: Input = Folder(folder) if folder.is_dir() else CsvFile(folder, columns_in(columns or []))
    written = Report(report or folder.with_name(folder.name + ".report.csv"))
    target = calling.url_of(url)
    total = found.survey()
    if isinstance(found, CsvFile) and found.ignored:
        err.print(f"columns that are not known and are not used: {', '.join(found.ignored)}", markup=False)
    if dry_run:
        counts = _check(found, Known(written, found, target.rstrip("/")), quiet=as_json)
        _sum_up(counts, written, 0.0, as_json=as_json, dry_run=True)
        raise typer.Exit(1 if counts[Status.FAILED] else 0)
    token = calling.token(from_stdin=token_stdin)
    with _alone(folder):
        counts = Counter[str]()
        began = time.monotonic()
        try:
            asyncio.run(
                _import(
                    found, Service(target, token, concurrency=concurrency, patience=patience), written, total, counts
                )
            )
            stopped = None
        except Stopped as error:
            stopped = error
        except KeyboardInterrupt:
            err.print("interrupted; run it again to go on")
            raise
    if counts or not stopped:
        _sum_up(counts, written, time.monotonic() - began, as_json=as_json)
    if stopped:
        raise stopped
    if counts.total() < total:
        raise ValueError(f"{folder} had {total} rows when it was checked, and {counts.total()} when they were sent")
    raise typer.Exit(1 if any(counts[status] for status in LOUD) else 0)


async def _import(found: Input, service: Service, report: Report, total: int, counts: Counter[str]) -> None:
    known = Known(report, found, service.url)
    async with service:
        await service.require(known.earlier)
        with ExitStack() as stack:
            stack.enter_context(report)
            bar = stack.enter_context(_progress())
            task = bar.add_task("", total=total)

            def tell(status: Status | None, line: Line) -> None:
                counts[status or ALREADY] += 1
                if status in LOUD:
                    bar.console.print(_sentence(line.row, line.product_id, line.source, line.reason))
                bar.advance(task)

            await Import(found, service, report, known, tell).run(concurrency=service.concurrency)


def _check(found: Input, known: Known, *, quiet: bool) -> Counter[str]:
    counts = Counter[str]()
    for row in found.rows():
        try:
            wrong = row.reason if isinstance(row, BadRow) else ""
            is_in = isinstance(row, Row) and known.has(row.identity())
            if isinstance(row, Row) and row.path is not None and not is_in:
                wrong = picture_fault(row.path)
        except RowError as error:
            wrong, is_in = str(error), False
        counts[Status.FAILED if wrong else ALREADY if is_in else Status.ADDED] += 1
        if wrong and not quiet:
            product = row.product if isinstance(row, Row) else row.product_id
            out.print(_sentence(row.number, product, row.source, wrong))
    return counts


def _sentence(row: int, product_id: str, source: str, reason: str) -> str:
    of = f"product {product_id}, " if product_id else ""
    return escape("".join(each if each.isprintable() else "?" for each in f"row {row} ({of}{source}): {reason}"))


def _sum_up(counts: Counter[str], report: Report, seconds: float, *, as_json: bool, dry_run: bool = False) -> None:
    rows = counts.total()
    if as_json:
        names = [*Status, ALREADY]
        sums = {str(name): counts[name] for name in names if name != Status.SENDING}
        print_json({"rows": rows, **sums, "seconds": round(seconds, 1), "report": str(report.path)})
        return
    words = {
        Status.ADDED: "would be sent" if dry_run else "added",
        ALREADY: "in already",
        Status.DUPLICATE: "the same as an earlier row",
        Status.FAILED: "cannot be sent" if dry_run else "failed",
        Status.UNKNOWN: "not answered",
    }
    said = ", ".join(f"{counts[name]} {word}" for name, word in words.items() if counts[name] or name == Status.ADDED)
    if not rows:
        out.print("0 rows: there is nothing to send.")
    elif dry_run:
        out.print(f"{rows} rows: {said}.")
    else:
        out.print(f"{rows} rows: {said}; {seconds:.1f} s, {rows / max(seconds, 0.001):.1f} a second.")
        out.print(f"Report: {escape(str(report.path))}")


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} a second" if task.speed else "")


def _progress() -> Progress:
    """A progress bar on a terminal; otherwise only failures are shown."""
    columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(elapsed_when_finished=True))
    return Progress(*columns, console=err, disable=not err.is_terminal, speed_estimate_period=30)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Raises `ValueError` if another import of the same input is under way."""
    lock = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another import of {path} is under way") from None
        yield
    finally:
        os.close(lock)
