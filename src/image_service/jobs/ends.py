"""Errors of jobs that are missing, started, over or failed."""

from collections.abc import Sequence
from typing import Any

from image_service.errors import ImageServiceError


class JobNotFound(ImageServiceError):
    """No such job of this store."""


class JobBegun(ImageServiceError):
    """The job cannot be cancelled: it has started or ended."""


class JobOver(ImageServiceError):
    """The job was cancelled, removed with its store, or done by another worker. It must have no effect."""


class Failed(Exception):
    """Raised by a job's `run` if the job cannot succeed. Its receipts say why."""

    def __init__(self, receipts: Sequence[Any]) -> None:
        super().__init__(str(receipts)[:200])
        self.receipts = receipts
