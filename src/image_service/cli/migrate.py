"""`image-service migrate`."""

from image_service.cli.console import out
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.settings import Settings


def migrate() -> None:
    """Bring the database to this version's schema. `serve` does it too."""

    async def nothing_more(_settings: Settings, _database: Database) -> None: ...

    with_database(nothing_more)
    out.print("The database has this version's schema.")
