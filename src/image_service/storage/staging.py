"""Temporary local files: uploads on their way in, variants being drawn. What a crash leaves, the sweep removes."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import uuid4


class Staging:
    """Files in `folder`, which is private to the service and should share a file system with the blobs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @asynccontextmanager
    async def file(self) -> AsyncIterator[Path]:
        """A path that nobody else has; whatever is there when the block ends is removed."""
        path = self._folder / uuid4().hex
        try:
            yield path
        finally:
            # Shielded: a client that goes away must not leave its file behind.
            await asyncio.shield(asyncio.to_thread(path.unlink, missing_ok=True))

    async def remove_stale(self, age: timedelta, *, dry_run: bool = False) -> int:
        """Remove what nobody has written to for `age`; returns how many files that were."""
        return await asyncio.to_thread(self._remove_stale, age, dry_run)

    def _remove_stale(self, age: timedelta, dry_run: bool) -> int:
        oldest = time.time() - age.total_seconds()
        stale = [path for path in self._folder.iterdir() if path.stat().st_mtime < oldest]
        for path in stale:
            if not dry_run:
                path.unlink(missing_ok=True)
        return len(stale)
