"""`image-service stores`: stores and their tokens."""

import sys
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from image_service.cli.console import Json, examples, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.database.limits import MAX_BIGINT
from image_service.jobs import store_removal
from image_service.parts import blobs_of
from image_service.settings import Settings
from image_service.storage.places import storage_at
from image_service.stores import registry, tokens
from image_service.stores.tokens import Scope

stores = typer.Typer(help="Stores and their tokens.", no_args_is_help=True, rich_markup_mode=None)

StoreId = Annotated[int, typer.Argument(help="The store's id.", min=1, max=MAX_BIGINT)]


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
    """Create a store and its first token, which is shown only once."""
    if not name.strip():
        raise typer.BadParameter("it is empty", param_hint="NAME")
    token = sys.stdin.readline().strip() if token_stdin else None
    made = with_database(lambda _, database: registry.add(database, name, store_id=store_id, token=token))
    if as_json:
        print_json({"store_id": made.store_id, "token": made.token})
    elif token_stdin:
        out.print(f"Store {made.store_id} was made with the token given.")
    else:
        out.print(f"Store {made.store_id} was made. Its token, shown this once: {made.token}")


@stores.command("list", epilog=examples("image-service stores list --json"))
def stores_list(as_json: Json = False) -> None:
    """List all stores."""
    found = with_database(lambda _, database: registry.every(database))
    _show(["id", "name", "language", "created_at"], [vars(each) for each in found], as_json=as_json)


@stores.command("set", epilog=examples("image-service stores set 15 --language pt-BR"))
def stores_set(
    store_id: StoreId,
    language: Annotated[
        str, typer.Option(help="Of alt texts that came without one, where an API shows them by language.")
    ],
) -> None:
    """Change what a store is set to."""
    with_database(lambda _, database: registry.set_language(database, store_id, language))
    out.print(f"Store {store_id} has the language {language}.")


@stores.command("tokens", epilog=examples("image-service stores tokens 15"))
def stores_tokens(store_id: StoreId, as_json: Json = False) -> None:
    """List a store's tokens; the secrets themselves are not kept."""
    found = with_database(lambda _, database: tokens.of_store(database, store_id))
    _show(["id", "scope", "created_at"], [vars(each) for each in found], as_json=as_json)


@stores.command(
    "token", epilog=examples("image-service stores token 15", "image-service stores token 15 --read-only --json")
)
def stores_token(
    store_id: StoreId,
    read_only: Annotated[bool, typer.Option("--read-only", help="It may not change anything.")] = False,
    as_json: Json = False,
) -> None:
    """Create another token for a store; it is shown only once."""
    scope = Scope.READ if read_only else Scope.WRITE
    token = with_database(lambda _, database: tokens.issue(database, store_id, scope))
    if as_json:
        print_json({"store_id": store_id, "token": token, "scope": scope})
    else:
        out.print(f"Its token, shown this once: {token}")


@stores.command("revoke", epilog=examples("image-service stores revoke 3"))
def stores_revoke(
    token_id: Annotated[int, typer.Argument(help="As `stores tokens` lists it.", min=1, max=MAX_BIGINT)],
) -> None:
    """Revoke a token: it is invalid from the next request on."""
    if not with_database(lambda _, database: tokens.revoke(database, token_id)):
        raise ValueError(f"no token {token_id}")
    out.print(f"Token {token_id} is revoked.")


@stores.command("remove", epilog=examples("image-service stores remove 15", "image-service stores remove 15 --yes"))
def stores_remove(store_id: StoreId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a store with its tokens and all its images."""
    if not yes:
        typer.confirm(f"Remove store {store_id} with all its images?", abort=True)

    async def work(settings: Settings, database: Database) -> int:
        storage = storage_at(settings.storage_url, settings.data_dir)
        return await store_removal.remove(database, blobs_of(settings, database, storage), store_id)

    out.print(f"Store {store_id} is removed, with {with_database(work)} images.")


def _show(columns: list[str], rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json([{column: row[column] for column in columns} for row in rows])
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(Text(str(row[column])) for column in columns))
    out.print(table)
