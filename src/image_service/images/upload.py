"""What an upload brings: a checked picture, and where it came from."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from image_service.images.syncing.sources import Validators
from image_service.pixels.picture import Picture
from image_service.storage.names import slugify


@dataclass(frozen=True)
class Upload:
    """A checked picture and where it came from."""

    picture: Picture
    filename: str  # displayed; the slug comes from it
    source_url: str | None = None
    validators: Validators | None = None  # of the response from there

    def columns(self, key: str) -> dict[str, Any]:
        """Columns that describe the bytes stored under `key`."""
        picture = self.picture
        return {
            "key": UUID(key),
            "slug": slugify(self.filename),
            "filename": self.filename,
            "sha256": bytes.fromhex(picture.sha256),
            "bytes": picture.bytes,
            "format": str(picture.format),
            "width": picture.width,
            "height": picture.height,
            "frames": picture.frames,
            "thumbhash": picture.thumbhash,
            "source_url": self.source_url,
        }
