"""Temporary files: private, gone when their block ends, swept when that never happened."""

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from image_service.errors import StorageUnavailable
from image_service.storage.staging import Staging

DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "made" / "staging"


@pytest.fixture
def staging(folder: Path) -> Staging:
    return Staging(folder)


def leave(folder: Path, name: str, age: timedelta) -> Path:
    path = folder / name
    path.write_bytes(b"left")
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_is_gone_when_its_block_ends(staging: Staging, folder: Path) -> None:
    async with staging.file() as one, staging.file() as other:
        assert one != other
        assert not one.exists()
        one.write_bytes(b"content")
        assert one.parent == folder
    assert left(folder) == []


async def test_also_when_it_fails_or_was_never_made(staging: Staging, folder: Path) -> None:
    async def fail() -> None:
        async with staging.file() as path:
            path.write_bytes(b"content")
            raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        await fail()
    async with staging.file():
        pass
    assert left(folder) == []


async def test_also_when_its_owner_is_cancelled(staging: Staging, folder: Path) -> None:
    made = asyncio.Event()

    async def hold() -> None:
        async with staging.file() as path:
            path.write_bytes(b"content")
            made.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await made.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(folder) == []


def test_nobody_else_may_look(staging: Staging, folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700


async def test_only_what_nobody_wrote_to_is_removed(staging: Staging, folder: Path) -> None:
    old = [leave(folder, f"old{number}", DAY * 2) for number in range(3)]
    leave(folder, "young", DAY / 2)
    inner = folder / "not ours"
    inner.mkdir()
    os.utime(inner, (1, 1))
    assert await staging.remove_stale(DAY, dry_run=True) == 3
    assert all(path.exists() for path in old)
    assert await staging.remove_stale(DAY) == 3
    assert left(folder) == ["not ours", "young"]
    assert await staging.remove_stale(DAY) == 0


async def test_room_is_there_and_is_not_kept(staging: Staging, folder: Path) -> None:
    await staging.require_room()
    assert left(folder) == []
    await asyncio.to_thread(folder.rmdir)
    with pytest.raises(StorageUnavailable):
        await staging.require_room()


async def test_a_link_is_removed_and_not_what_it_names(staging: Staging, folder: Path, tmp_path: Path) -> None:
    target = leave(tmp_path, "target", DAY * 2)
    link = folder / "link"
    link.symlink_to(target)
    os.utime(link, (1, 1), follow_symlinks=False)
    assert await staging.remove_stale(DAY) == 1
    assert target.exists()


async def test_a_folder_that_is_gone_is_said_so(staging: Staging, folder: Path) -> None:
    await asyncio.to_thread(folder.rmdir)
    with pytest.raises(StorageUnavailable):
        await staging.remove_stale(DAY)
