"""How a job may end otherwise than well, or not be there."""

from collections.abc import Sequence
from typing import Any

from image_service.errors import ImageServiceError


class JobNotFound(ImageServiceError):
    """No such job of this store."""


class JobBegun(ImageServiceError):
    """A job that is to be cancelled has begun, or has ended."""


class JobOver(ImageServiceError):
    """It was cancelled, has gone with its store, or was done by another worker: it must have no effect now."""


class Failed(Exception):
    """Raised by what runs a job: nothing will come of it, and its receipts say why."""

    def __init__(self, receipts: Sequence[Any], result: Any = None) -> None:
        super().__init__(str(receipts)[:200])
        self.receipts = receipts
        self.result = result
