"""What is peculiar to blobs on the local disk."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_service.errors import BlobNotFound, StorageFull, StorageUnavailable
from image_service.storage.base import BlobHeaders, ByteRange
from image_service.storage.local import LocalStorage

ORIGINAL = "private/ab/ab00"
VARIANT = "public/stores/000/001/products/a-640-0.jpg"
HEADERS = BlobHeaders("image/jpeg")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do this")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root may do everything")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def storage(root: Path) -> LocalStorage:
    return LocalStorage(root)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 64 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    run("umount", disk)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def staged(root: Path) -> list[str]:
    return [path.name for path in (root / "tmp").iterdir()]


def run(*command: str | Path) -> None:
    subprocess.run(command, check=True)


def grow(path: Path) -> None:
    path.write_bytes(b"x" * 100_000)


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@pytest.mark.parametrize("umask", [0o000, 0o077])
async def test_nginx_may_read_variants_and_nothing_else(
    storage: LocalStorage, root: Path, source: Path, umask: int
) -> None:
    set_mode(source, 0o640)
    before = os.umask(umask)
    try:
        await storage.put(ORIGINAL, source, HEADERS)
        await storage.put(VARIANT, source, HEADERS)
    finally:
        os.umask(before)
    assert [mode(root / name) for name in ("private", "private/ab", "tmp")] == [0o700] * 3
    assert mode(root / ORIGINAL) == 0o600
    assert mode(root / VARIANT) == 0o644
    folders = [root / folder for folder in Path(VARIANT).parents]  # the last is the root itself
    assert [mode(folder) for folder in folders] == [0o755] * 6


async def test_a_source_in_the_same_file_system_is_linked(storage: LocalStorage, root: Path, source: Path) -> None:
    await storage.put(ORIGINAL, source, HEADERS)
    assert (root / ORIGINAL).samefile(source)
    assert staged(root) == []


async def test_a_blob_never_shares_its_bytes_with_another(storage: LocalStorage, root: Path, source: Path) -> None:
    await storage.put(ORIGINAL, source, HEADERS)
    await storage.put(VARIANT, source, HEADERS)
    await storage.put("private/cd/cd00", root / ORIGINAL, HEADERS)
    assert [(root / name).stat().st_nlink for name in (ORIGINAL, VARIANT, "private/cd/cd00")] == [2, 1, 1]
    assert staged(root) == []


async def test_a_symbolic_link_is_followed_not_stored(
    storage: LocalStorage, root: Path, source: Path, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(source)
    await storage.put(ORIGINAL, link, HEADERS)
    assert not (root / ORIGINAL).is_symlink()
    assert (root / ORIGINAL).read_bytes() == b"0123456789"


@as_root
async def test_a_source_in_another_file_system_is_copied(small_disk: Path, source: Path) -> None:
    storage = LocalStorage(small_disk)
    await storage.put(ORIGINAL, source, HEADERS)
    assert (small_disk / ORIGINAL).read_bytes() == b"0123456789"
    assert mode(small_disk / ORIGINAL) == 0o600
    assert staged(small_disk) == []


@as_root
async def test_a_full_disk_keeps_what_it_held(small_disk: Path, source: Path) -> None:
    storage = LocalStorage(small_disk)
    await storage.put(ORIGINAL, source, HEADERS)
    grow(source)
    with pytest.raises(StorageFull) as refused:
        await storage.put(ORIGINAL, source, HEADERS)
    assert isinstance(refused.value.__cause__, OSError)
    assert refused.value.__cause__.errno == errno.ENOSPC
    assert staged(small_disk) == []
    assert (small_disk / ORIGINAL).read_bytes() == b"0123456789"
    await storage.check()  # a page is left


@as_root
async def test_a_disk_that_became_read_only(small_disk: Path, source: Path) -> None:
    storage = LocalStorage(small_disk)
    await storage.put(ORIGINAL, source, HEADERS)
    run("mount", "-o", "remount,ro", small_disk)
    with pytest.raises(StorageUnavailable, match="Read-only file system"):
        await storage.check()
    with pytest.raises(StorageUnavailable):
        await storage.put(VARIANT, source, HEADERS)
    with pytest.raises(StorageUnavailable):
        await storage.delete([ORIGINAL])
    blob = await storage.open(ORIGINAL)
    assert await anext(blob.chunks) == b"0123456789"
    await blob.aclose()


@as_user
async def test_a_directory_that_is_closed_to_us(storage: LocalStorage, root: Path, source: Path) -> None:
    await storage.put(ORIGINAL, source, HEADERS)
    set_mode(root / "private/ab", 0)
    try:
        for failing in (
            storage.open(ORIGINAL),
            storage.put(ORIGINAL, source, HEADERS),
            storage.delete([ORIGINAL]),
        ):
            with pytest.raises(StorageUnavailable, match="Permission denied"):
                await failing
        with pytest.raises(StorageUnavailable):
            assert [blob async for blob in storage.list("private/")]
    finally:
        set_mode(root / "private/ab", 0o700)
    assert staged(root) == []


async def test_a_put_that_fails_leaves_nothing(storage: LocalStorage, root: Path, source: Path) -> None:
    await storage.put(ORIGINAL, source, HEADERS)
    with pytest.raises(StorageUnavailable):
        await storage.put(f"{ORIGINAL}/below-a-file", source, HEADERS)
    with pytest.raises(StorageUnavailable):
        await storage.put("private/ab", source, HEADERS)  # a directory
    with pytest.raises(StorageUnavailable):
        await storage.put(VARIANT, source.with_name("no-such-source"), HEADERS)
    assert staged(root) == []
    with pytest.raises(BlobNotFound):
        await storage.open(VARIANT)


async def test_folders_that_an_administrator_removed_are_made_again(
    storage: LocalStorage, root: Path, source: Path
) -> None:
    await storage.put(VARIANT, source, HEADERS)
    run("rm", "-r", root / "public", root / "tmp")
    await storage.put(VARIANT, source, HEADERS)
    assert (root / VARIANT).read_bytes() == b"0123456789"


async def test_the_etag_is_the_one_that_nginx_gives(storage: LocalStorage, root: Path, source: Path) -> None:
    await storage.put(VARIANT, source, HEADERS)
    os.utime(root / VARIANT, (1_700_000_000.9, 1_700_000_000.9))
    blob = await storage.open(VARIANT, ByteRange(0, 1))
    await blob.aclose()
    assert blob.etag == '"6553f100-a"'
    assert blob.modified.isoformat() == "2023-11-14T22:13:20+00:00"


async def test_no_descriptor_stays_open(storage: LocalStorage, source: Path) -> None:
    await storage.put(ORIGINAL, source, HEADERS)
    before = open_descriptors()
    for range_ in (None, ByteRange(1, 2)):
        blob = await storage.open(ORIGINAL, range_)
        await blob.aclose()
        blob = await storage.open(ORIGINAL, range_)
        await anext(blob.chunks)
        await blob.aclose()
    await storage.put(ORIGINAL, source, HEADERS)
    await storage.check()
    assert open_descriptors() == before


async def test_what_a_crash_left_is_listed_and_deleted_like_any_blob(storage: LocalStorage, root: Path) -> None:
    await storage.check()
    (root / "tmp/left").write_bytes(b"half")
    assert [blob.name async for blob in storage.list("tmp/")] == ["tmp/left"]
    await storage.delete(["tmp/left"])
    assert staged(root) == []


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "private/../../x", "private//x", "a/./b", "a/", "a\0b"])
async def test_names_that_would_leave_the_root(storage: LocalStorage, source: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not the name of a blob"):
        await storage.open(name)
    with pytest.raises(ValueError, match="not the name of a blob"):
        await storage.put(name, source, HEADERS)
    with pytest.raises(ValueError, match="not the name of a blob"):
        await storage.delete([name])
