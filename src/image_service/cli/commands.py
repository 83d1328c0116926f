"""The commands beside `serve`: they manage its stores and bytes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from image_service.cli.console import Json, examples, out, print_json, read_settings, settings_with_database
from image_service.cli.copy_storage import copy_storage as copy_bytes
from image_service.cli.doctor.command import doctor
from image_service.cli.importing.command import import_images
from image_service.cli.program import app
from image_service.database import schema
from image_service.database.limits import MAX_BIGINT
from image_service.database.sessions import Database
from image_service.errors import StoreNotFound
from image_service.images.upkeep import jobs
from image_service.images.upkeep.verify import State
from image_service.images.upkeep.verify import verify as verify_originals
from image_service.parts import library_of, sweeper_of
from image_service.settings import Settings
from image_service.storage.places import storage_at
from image_service.stores import registry, tokens
from image_service.stores.tokens import Scope

Result = TypeVar("Result")

__all__ = ["app"]  # the whole program, once this has been imported

stores = typer.Typer(help="Stores and their tokens.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(stores, name="stores")

StoreId = Annotated[int, typer.Argument(help="The store's id.", min=1, max=MAX_BIGINT)]


def _with_database(work: Callable[[Settings, Database], Awaitable[Result]]) -> Result:
    """Do something in a database of the current schema."""

    async def run(settings: Settings) -> Result:
        url = settings.database_url or ""
        database = Database(url, connections=2)
        try:
            await schema.bring(database, url)
            return await work(settings, database)
        finally:
            await database.close()

    with settings_with_database() as settings:
        return asyncio.run(run(settings))


@app.command(epilog=examples("IMAGE_SERVICE_DATABASE_URL=postgresql://user:password@host/name image-service migrate"))
def migrate() -> None:
    """Bring the database to this version's schema. `serve` does it too."""

    async def nothing_more(_settings: Settings, _database: Database) -> None: ...

    _with_database(nothing_more)
    out.print("The database has this version's schema.")


app.command(
    "import",
    epilog=examples(
        "image-service import photos.csv    # with the token in IMAGE_SERVICE_TOKEN",
        "image-service import photos/ --url https://images.example.com --token-stdin < token.txt",
        "image-service import photos.csv --dry-run",
    ),
)(import_images)


app.command(epilog=examples("image-service doctor", "image-service doctor --json"))(doctor)


@app.command(epilog=examples("image-service openapi > openapi.json"))
def openapi() -> None:
    """Print the OpenAPI document."""
    from image_service.app import create_app  # noqa: PLC0415 - takes as long as all others together

    print_json(create_app(read_settings()).openapi())


@app.command(epilog=examples("image-service sweep --dry-run", "image-service sweep --json"))
def sweep(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Even if over 5 % of the originals have no row.")] = False,
    as_json: Json = False,
) -> None:
    """Remove bytes that nothing needs any more: a day after their image was deleted, or left by a crash."""

    async def work(settings: Settings, database: Database) -> Any:
        return await sweeper_of(settings, database, storage_at(settings.storage_url, settings.data_dir)).run(
            dry_run=dry_run, force=force
        )

    swept = _with_database(work)
    if as_json:
        print_json(vars(swept))
        return
    verb, went = ("would be removed", "would go") if dry_run else ("removed", "went")
    out.print(
        f"{verb}: {swept.trash} originals from the trash, {swept.orphans} images on no product, "
        f"{swept.variants} variants, {swept.staged} temporary files, {swept.keys} kept answers, "
        f"{swept.tickets} upload tickets; {swept.strays} originals without a row {went} into the trash"
    )


@app.command(epilog=examples("image-service verify", "image-service verify --json"))
def verify(as_json: Json = False) -> None:
    """Read every original again and compare it with its SHA-256. Exits 1 if one is damaged or missing."""

    async def work(settings: Settings, database: Database) -> tuple[int, list[dict[str, Any]]]:
        bad = []
        async with jobs.recorded(database, jobs.VERIFY) as counts:
            counts.update(dict.fromkeys(State, 0))
            async for found in verify_originals(database, storage_at(settings.storage_url, settings.data_dir)):
                counts[found.state] += 1
                if found.state is not State.WHOLE:
                    bad.append(vars(found))
        return counts[State.WHOLE], bad

    whole, bad = _with_database(work)
    if as_json:
        print_json({"whole": whole, "bad": bad})
    else:
        for each in bad:
            out.print(f"{each['state']}: image {each['image_id']} of store {each['store_id']}, {each['blob']}")
        out.print(f"{whole} originals are whole, {len(bad)} are not.")
    if bad:
        raise typer.Exit(1)


@app.command(
    "copy-storage", epilog=examples("image-service copy-storage file:///srv/data/blobs s3://bucket/prefix --quick")
)
def copy_storage(
    source: Annotated[str, typer.Argument(metavar="FROM", help="file:///… or s3://bucket/prefix.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The same.")],
    quick: Annotated[bool, typer.Option("--quick", help="What is there in its size is whole.")] = False,
    originals_only: Annotated[bool, typer.Option("--originals-only", help="Variants are drawn again.")] = False,
    as_json: Json = False,
) -> None:
    """Copy all bytes to another blob store, while the service runs. Exits 1 if an original is damaged or missing."""

    options = {"quick": quick, "originals_only": originals_only, "show": not as_json}
    report = _with_database(lambda settings, database: copy_bytes(settings, database, source, target, **options))
    if as_json:
        print_json(vars(report))
    else:
        out.print(str(report))
    if report.bad:
        raise typer.Exit(1)


@stores.command(
    "add",
    epilog=examples(
        'image-service stores add "My shop"', 'image-service stores add "My shop" --id 15 --token-stdin < token.txt'
    ),
)
def stores_add(
    name: Annotated[str, typer.Argument(help="What people call it.")],
    store_id: Annotated[
        int | None, typer.Option("--id", help="The id it had elsewhere.", min=1, max=MAX_BIGINT)
    ] = None,
    token_stdin: Annotated[
        bool, typer.Option("--token-stdin", help="Read the token it had elsewhere from standard input.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make a store with its first token, which is shown this once."""
    token = sys.stdin.readline().strip() if token_stdin else None
    made = _with_database(lambda _, database: registry.add(database, name, store_id=store_id, token=token))
    if as_json:
        print_json({"store_id": made.store_id, "token": made.token})
    elif token_stdin:
        out.print(f"Store {made.store_id} was made with the token given.")
    else:
        out.print(f"Store {made.store_id} was made. Its token, shown this once: {made.token}")


@stores.command("list", epilog=examples("image-service stores list --json"))
def stores_list(as_json: Json = False) -> None:
    """List all stores."""
    found = _with_database(lambda _, database: registry.every(database))
    _show(["id", "name", "created_at"], [vars(each) for each in found], as_json=as_json)


@stores.command("tokens", epilog=examples("image-service stores tokens 15"))
def stores_tokens(store_id: StoreId, as_json: Json = False) -> None:
    """List a store's tokens; the secrets themselves are not kept."""
    found = _with_database(lambda _, database: tokens.of_store(database, store_id))
    _show(["id", "scope", "created_at"], [vars(each) for each in found], as_json=as_json)


@stores.command(
    "token", epilog=examples("image-service stores token 15", "image-service stores token 15 --read-only --json")
)
def stores_token(
    store_id: StoreId,
    read_only: Annotated[bool, typer.Option("--read-only", help="It may not change anything.")] = False,
    as_json: Json = False,
) -> None:
    """Give a store one more token, which is shown this once."""
    scope = Scope.READ if read_only else Scope.WRITE
    token = _with_database(lambda _, database: tokens.issue(database, store_id, scope))
    if as_json:
        print_json({"store_id": store_id, "token": token, "scope": scope})
    else:
        out.print(f"Its token, shown this once: {token}")


@stores.command("revoke", epilog=examples("image-service stores revoke 3"))
def stores_revoke(
    token_id: Annotated[int, typer.Argument(help="As `stores tokens` lists it.", min=1, max=MAX_BIGINT)],
) -> None:
    """Revoke a token: from the next request on it is worth nothing."""
    if not _with_database(lambda _, database: tokens.revoke(database, token_id)):
        raise ValueError(f"no token {token_id}")
    out.print(f"Token {token_id} is revoked.")


@stores.command("remove", epilog=examples("image-service stores remove 15", "image-service stores remove 15 --yes"))
def stores_remove(store_id: StoreId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a store with its tokens and all its images."""
    if not yes:
        typer.confirm(f"Remove store {store_id} with all its images?", abort=True)

    async def work(settings: Settings, database: Database) -> int:
        try:
            return await library_of(
                settings, database, storage_at(settings.storage_url, settings.data_dir)
            ).remove_store(store_id)
        except StoreNotFound as error:
            raise StoreNotFound(f"no store {store_id}") from error

    out.print(f"Store {store_id} is removed, with {_with_database(work)} images.")


def _show(columns: list[str], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json([{column: row[column] for column in columns} for row in rows])
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    out.print(table)
