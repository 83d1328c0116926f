"""Where an installation keeps its bytes: the blob store and the staging folder."""

from pathlib import Path

from image_service.storage.base import Storage
from image_service.storage.local import LocalStorage
from image_service.storage.opening import open_storage
from image_service.storage.staging import Staging


def storage_at(storage_url: str | None, data_dir: Path) -> Storage:
    """Open the blob store that `STORAGE_URL` names, or else the folder `blobs` in the data directory.

    Raises `ValueError` with a readable message.
    """
    if storage_url is None:
        return LocalStorage(data_dir / "blobs")
    try:
        return open_storage(storage_url, staging_in(data_dir))
    except ValueError as error:
        raise ValueError(f"IMAGE_SERVICE_STORAGE_URL: {error}") from error


def staging_in(data_dir: Path) -> Staging:
    return Staging(data_dir / "staging")
