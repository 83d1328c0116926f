"""Whether requests can be served: concurrent callers share one check."""

import asyncio

import structlog

from image_service.database.database import Database
from image_service.errors import DatabaseUnavailable, ImageServiceError, InstanceMismatch, StorageUnavailable
from image_service.images import instance
from image_service.storage.base import Storage
from image_service.storage.staging import Staging
from image_service.telemetry.together import Together

log = structlog.get_logger()

STORAGE_SECONDS = 5.0  # a hanging disk counts as unreachable


class Readiness:
    def __init__(self, database: Database, storage: Storage, staging: Staging) -> None:
        self._database = database
        self._storage = storage
        self._staging = staging
        self._look_together = Together(self._look)

    async def look(self) -> dict[str, str]:
        """`ok`, or the error, by part. Addresses and paths go only to the log.

        A check writes to the disk and the database, and needs no token. So requests that arrive during a check share
        its result.
        """
        return dict(await self._look_together())

    async def _look(self) -> dict[str, str]:
        found = {"database": "ok", "storage": "ok", "instance": "ok"}
        try:
            await self._database.check()
        except ImageServiceError as error:
            found["database"] = _reason(error, "not reachable")
        try:
            await self._check_storage()
        except ImageServiceError as error:
            found["storage"] = _reason(error, "not reachable or not writable")
        if set(found.values()) != {"ok"}:
            return found | {"instance": "not checked"}
        try:
            await instance.claim(self._database, self._storage, self._staging)
        except InstanceMismatch as error:
            found["instance"] = _reason(error, "database and blob store belong to different installations")
        except DatabaseUnavailable as error:  # it answers, but a standby, for example, takes no write
            found |= {"database": _reason(error, "not writable"), "instance": "not checked"}
        except ImageServiceError as error:
            found |= {"storage": _reason(error, "not reachable or not writable"), "instance": "not checked"}
        return found

    async def _check_storage(self) -> None:
        try:
            async with asyncio.timeout(STORAGE_SECONDS):
                await self._storage.check()
                await self._staging.check()
        except TimeoutError:
            raise StorageUnavailable("it does not answer in time") from None


def _reason(error: ImageServiceError, public: str) -> str:
    log.warning("not ready", reason=str(error))
    return public
