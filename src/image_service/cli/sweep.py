"""`image-service sweep`."""

from typing import Annotated, Any

import typer

from image_service.cli.console import Json, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.parts import sweeper_of
from image_service.settings import Settings
from image_service.storage.places import storage_at


def sweep(
    audit: Annotated[bool, typer.Option("--audit", help="Also list all blobs, to find those without a row.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Remove also if over 5 % of the originals have no row.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove bytes that are no longer needed: of images deleted a day ago, or left by a crash."""

    async def work(settings: Settings, database: Database) -> Any:
        return await sweeper_of(settings, database, storage_at(settings.storage_url, settings.data_dir)).run(
            audit=audit, dry_run=dry_run, force=force
        )

    swept = with_database(work)
    if as_json:
        print_json(vars(swept))
        return
    verb, went = ("would be removed", "would go") if dry_run else ("removed", "went")
    out.print(
        f"{verb}: {swept.trash} originals from the trash, {swept.orphans} images on no product, "
        f"{swept.variants} variants, {swept.staged} temporary files, {swept.keys} kept answers, "
        f"{swept.tickets} upload tickets, {swept.jobs} jobs, {swept.deliveries} deliveries to webhooks; "
        f"{swept.strays} originals without a row and {swept.unused} unused keys {went} into the trash"
    )
