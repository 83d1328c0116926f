"""`image-service sync` and `image-service export`."""

import asyncio
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from image_service.cli import calling
from image_service.cli.calling import TokenStdin, Url
from image_service.cli.console import Json, out, print_json
from image_service.cli.importing.csv_file import columns_in
from image_service.cli.syncing import exporting, maps
from image_service.cli.syncing.joining import joined
from image_service.cli.syncing.lists import ProductList, lists_in
from image_service.cli.syncing.maps import OURS, Columns
from image_service.cli.syncing.printing import sentence_of, table_of, tell_failures
from image_service.cli.syncing.run import REMOVED, Result, Sums, Sync
from image_service.cli.syncing.service import SyncService

MANY = 10  # a sync that removes more than 1 in MANY images asks first

err = Console(stderr=True, soft_wrap=True, highlight=False)

Concurrency = Annotated[int, typer.Option(help="Products sent at once.", min=1, max=64)]
Patience = Annotated[float, typer.Option(help="Seconds to retry a product while the service is busy or down.", min=0)]


def sync(
    source: Annotated[
        Path, typer.Argument(metavar="FILE.csv|FILE.ndjson", help="The lists of images.", exists=True, dir_okay=False)
    ],
    url: Url = None,
    token_stdin: TokenStdin = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the plan. A read token is enough.")] = False,
    platform: Annotated[
        str | None, typer.Option("--from", metavar="PLATFORM", help=f"Whose export it is: {', '.join(maps.known())}.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS,…", help="Columns of FILE.csv that have other names."),
    ] = None,
    missing: Annotated[str, typer.Option(help="What to do with images that no row names: remove or keep.")] = "remove",
    refetch: Annotated[str, typer.Option(help="Fetch known sources again: changed, never, or always.")] = "changed",
    on_error: Annotated[str, typer.Option(help="If an image fails: continue, or stop its product.")] = "continue",
    yes: Annotated[bool, typer.Option("--yes", help="Remove any number of images without asking.")] = False,
    concurrency: Concurrency = 4,
    patience: Patience = 120,
    as_json: Json = False,
) -> None:
    """Change galleries to what a file says: the rows of one product are its images, in order.

    FILE.csv has a column product_id or product_key; id, src or sha256, of which each row fills one; and if you like
    filename, position, alt, and alt_en, alt_es, … An empty alt clears the text. FILE.ndjson has in each line a
    product with its "images", or one of them. Products that the file does not name are left alone. Run it again, and
    nothing changes.

    Asks before it removes more than one image in ten. Exits 0 if all is as the file says, 1 if not, 130 after Ctrl-C.
    """
    options = {"missing": _one_of(missing, "remove", "keep", option="--missing")}
    options["refetch"] = _one_of(refetch, "changed", "never", "always", option="--refetch")
    options["on_error"] = _one_of(on_error, "continue", "stop", option="--on-error")
    lists = lists_in(source, _columns(platform, columns or []))
    target, token = calling.url_of(url), calling.token(from_stdin=token_stdin)
    service = SyncService(target, token, concurrency=concurrency, patience=patience, task="sync")
    sums = asyncio.run(_sync(service, lists, options, dry_run=dry_run, yes=yes, as_json=as_json))
    if as_json:
        print_json(
            {"products": sums.products, "not_done": sums.unsent, "images": sums.images, "outcomes": sums.outcomes}
        )
    else:
        out.print(f"Plan for {sentence_of(sums)}" if dry_run else sentence_of(sums))
        if dry_run and _is_much(sums):
            out.print(f"[red]{_question(sums)}[/red]: you will be asked.")
    raise typer.Exit(1 if sums.has_failed else 0)


async def _sync(
    service: SyncService,
    lists: list[ProductList],
    options: dict[str, Any],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> Sums:
    async with service:
        await service.require("")
        lists = await joined(service, lists)
        run = Sync(service, options)
        if dry_run:
            results: list[Result] = []
            sums = await _told(run, lists, results.append, dry_run=True)
            if not as_json:
                out.print(table_of(results))
            return sums
        if not yes and options["missing"] == "remove":
            await _ask(service, lists, options)
        return await _told(run, lists, lambda result: None if as_json else tell_failures(err, result), dry_run=False)


async def _told(run: Sync, lists: list[ProductList], tell: Any, *, dry_run: bool) -> Sums:
    """Run it, with a progress bar on a terminal."""
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not err.is_terminal,
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=len(lists))

        def told(result: Result) -> None:
            tell(result)
            bar.advance(task)

        return await run.run(lists, told, dry_run=dry_run)


async def _ask(service: SyncService, lists: list[ProductList], options: dict[str, Any]) -> None:
    """Removals do not depend on any host, so none is called. Raises `ValueError` if the user answers no."""
    sums = await Sync(service, {**options, "refetch": "never", "on_error": "continue"}).run(
        lists, lambda _: None, dry_run=True
    )
    if not _is_much(sums):
        return
    if not sys.stdin.isatty():
        raise ValueError(f"{_question(sums)}: say --yes if that is meant; nothing was done")
    if not typer.confirm(f"{_question(sums)}. Go on?"):
        raise ValueError("nothing was done")


def _is_much(sums: Sums) -> bool:
    return sums.outcomes[REMOVED] * MANY > sums.images


def _question(sums: Sums) -> str:
    return f"{sums.outcomes[REMOVED]} of {sums.images} images would be removed"


def _columns(platform: str | None, given: list[str]) -> Columns:
    if platform is None:
        return Columns({ours: (theirs,) for ours, theirs in columns_in(given, re.compile("|".join(OURS))).items()})
    if given:
        raise ValueError("--map and --from do not go together")
    known = maps.known()
    if platform not in known:
        raise ValueError(f"--from wants one of {', '.join(known)}")
    return known[platform]


def _one_of(given: str, *known: str, option: str) -> str:
    if given not in known:
        raise ValueError(f"{option} wants one of {', '.join(known)}")
    return given


def export(
    target: Annotated[
        Path | None, typer.Argument(metavar="[FILE.csv|FILE.ndjson]", help="Output file.  [default: standard output]")
    ] = None,
    url: Url = None,
    token_stdin: TokenStdin = False,
    concurrency: Concurrency = 4,
    patience: Patience = 120,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="A product in each line, instead of CSV.")] = False,
) -> None:
    """Write the store's galleries in the form that `sync` reads: edit them in a spreadsheet, and sync the file.

    Each row is an image, named by its id. Move rows of a product to move its images, remove one to remove its image,
    change alt; a new row with a src adds a picture. The columns filename_now, source_url and url are only to be
    looked at.
    """
    where, token = calling.url_of(url), calling.token(from_stdin=token_stdin)
    service = SyncService(where, token, concurrency=concurrency, patience=patience, task="export")
    is_ndjson = ndjson or (target is not None and target.suffix.lower() in {".ndjson", ".jsonl"})
    products = asyncio.run(exporting.export(service, target, is_ndjson=is_ndjson))
    if target is not None:
        out.print(f"{products} products.")
