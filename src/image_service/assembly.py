"""Parts put together as the settings say, for the service and for the commands beside it. Knows nothing of HTTP."""

from image_service.database import Database
from image_service.images.blobs import Blobs
from image_service.images.library import Library
from image_service.images.sweeper import Sweeper
from image_service.places import staging_of
from image_service.settings import Settings
from image_service.storage.base import Storage


def library_of(settings: Settings, database: Database, storage: Storage) -> Library:
    return Library(database, Blobs(storage, settings.sizes), settings.max_images_per_product)


def sweeper_of(settings: Settings, database: Database, storage: Storage) -> Sweeper:
    library = library_of(settings, database, storage)
    return Sweeper(database, storage, staging_of(settings), library, settings.sizes, settings.orphan_ttl)
