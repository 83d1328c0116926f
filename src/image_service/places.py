"""Where the settings say that bytes are kept."""

from image_service.settings import Settings
from image_service.storage.base import Storage
from image_service.storage.local import LocalStorage
from image_service.storage.opening import open_storage
from image_service.storage.staging import Staging


def storage_of(settings: Settings) -> Storage:
    """The blob store that `STORAGE_URL` names. Raises `ValueError`, in words."""
    if settings.storage_url is None:
        return LocalStorage(settings.data_dir / "blobs")
    try:
        return open_storage(settings.storage_url, staging_of(settings))
    except ValueError as error:
        raise ValueError(f"IMAGE_SERVICE_STORAGE_URL: {error}") from error


def staging_of(settings: Settings) -> Staging:
    return Staging(settings.data_dir / "staging")
