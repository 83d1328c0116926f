"""`image-service verify`."""

from typing import Any

import typer

from image_service.cli.console import Json, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.images.upkeep import runs
from image_service.images.upkeep.verify import OriginalState
from image_service.images.upkeep.verify import verify as verify_originals
from image_service.settings import Settings
from image_service.storage.places import storage_at


def verify(as_json: Json = False) -> None:
    """Read every original again and compare it with its SHA-256. Exits 1 if one is damaged or missing."""

    async def work(settings: Settings, database: Database) -> tuple[int, list[dict[str, Any]]]:
        bad = []
        async with runs.recorded(database, runs.VERIFY) as counts:
            counts.update(dict.fromkeys(OriginalState, 0))
            async for found in verify_originals(database, storage_at(settings.storage_url, settings.data_dir)):
                counts[found.state] += 1
                if found.state is not OriginalState.WHOLE:
                    bad.append(vars(found))
        return counts[OriginalState.WHOLE], bad

    whole, bad = with_database(work)
    if as_json:
        print_json({"whole": whole, "bad": bad})
    else:
        for each in bad:
            out.print(f"{each['state']}: image {each['image_id']} of store {each['store_id']}, {each['blob']}")
        out.print(f"{whole} originals are whole, {len(bad)} are not.")
    if bad:
        raise typer.Exit(1)
