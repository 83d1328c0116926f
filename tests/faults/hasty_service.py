"""A service that gives up the one order which keeps its promise: it answers before the bytes are stored.

Run by path, with what `image-service serve` is run with: tests kill it to see that they would notice.
"""

import asyncio
import socket
from pathlib import Path

import structlog
import uvicorn

from image_service.app import create_app
from image_service.images import instance
from image_service.settings import Settings
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from image_service.telemetry import logs

LATE_SECONDS = 5.0  # a kill at any moment under load finds some

log = structlog.get_logger()


class HastyStorage(LocalStorage):
    """Says that originals are stored, and stores them a little later."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._late: set[asyncio.Task[None]] = set()

    async def put(self, name: str, source: Path, headers: BlobHeaders) -> None:
        if not name.startswith("private/") or name == instance.NAME:
            await super().put(name, source, headers)
            return
        kept = source.with_suffix(".kept")
        kept.hardlink_to(source)
        task = asyncio.create_task(self._put_late(name, kept, headers))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _put_late(self, name: str, kept: Path, headers: BlobHeaders) -> None:
        await asyncio.sleep(LATE_SECONDS)
        await super().put(name, kept, headers)
        await asyncio.to_thread(kept.unlink)


def main() -> None:
    logs.configure("info")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = Settings(port=listener.getsockname()[1])
        log.info("starting", url=settings.api_base)
        app = create_app(settings, storage=HastyStorage(settings.data_dir / "blobs"))
        uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main()
