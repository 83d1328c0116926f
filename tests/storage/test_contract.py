"""What every blob store promises, run over every backend. A backend is one line in BACKENDS."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from image_service.errors import BlobNotFound, RangeNotSatisfiable
from image_service.storage.base import CHUNK_BYTES, BlobHeaders, ByteRange, Storage
from image_service.storage.local import LocalStorage
from image_service.storage.names import MARK

BACKENDS: dict[str, Callable[[Path, pytest.FixtureRequest], Storage]] = {
    "local": lambda folder, _: LocalStorage(folder / "blobs"),
    "s3": lambda _, request: cast(Storage, request.getfixturevalue("new_s3")()),
}

ORIGINAL = "private/ab/ab00"
VARIANT = "public/stores/000/001/products/a-640-0.jpg"
HEADERS = BlobHeaders("image/jpeg")


@pytest.fixture(params=BACKENDS)
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return BACKENDS[request.param](tmp_path, request)


async def put(storage: Storage, name: str, content: bytes, folder: Path) -> None:
    source = folder / "source"
    await asyncio.to_thread(source.write_bytes, content)
    await storage.put(name, source, HEADERS)
    await asyncio.to_thread(source.unlink)  # it was the caller's, and the blob does not need it


async def get(storage: Storage, name: str, range: ByteRange | None = None) -> bytes:
    blob = await storage.open(name, range)
    try:
        content = b"".join([chunk async for chunk in blob.chunks])
    finally:
        await blob.aclose()
    assert len(content) == blob.stop - blob.start
    return content


@pytest.mark.parametrize("name", [ORIGINAL, VARIANT])
@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES * 3 + 7])
async def test_what_was_put_is_read(storage: Storage, name: str, size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    await put(storage, name, content, tmp_path)
    assert await get(storage, name) == content


async def test_an_open_blob_describes_itself(storage: Storage, tmp_path: Path) -> None:
    await put(storage, ORIGINAL, b"0123456789", tmp_path)
    blob = await storage.open(ORIGINAL, ByteRange(2, 4))
    await blob.aclose()
    assert (blob.size, blob.start, blob.stop) == (10, 2, 5)
    assert blob.etag.startswith('"')
    assert blob.etag.endswith('"')
    assert abs(blob.modified - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_put_counts_from_now_however_old_its_source(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    await asyncio.to_thread(source.write_bytes, b"old")
    os.utime(source, (1, 1))
    await storage.put(ORIGINAL, source, HEADERS)
    [listed] = [blob async for blob in storage.list("private/")]
    assert abs(listed.modified - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("range", "expected"),
    [
        (ByteRange(0, 0), slice(0, 1)),
        (ByteRange(0, None), slice(None)),
        (ByteRange(CHUNK_BYTES - 1, CHUNK_BYTES), slice(CHUNK_BYTES - 1, CHUNK_BYTES + 1)),
        (ByteRange(5, 10**12), slice(5, None)),
        (ByteRange(None, 3), slice(-3, None)),
        (ByteRange(None, 10**12), slice(None)),
    ],
)
async def test_ranges(storage: Storage, range: ByteRange, expected: slice, tmp_path: Path) -> None:
    content = os.urandom(CHUNK_BYTES * 2 + 5)
    await put(storage, ORIGINAL, content, tmp_path)
    assert await get(storage, ORIGINAL, range) == content[expected]
    part = storage.read_nowait(ORIGINAL, len(content), range)
    if part is not None:  # whether it is depends on store, system and disk
        start, _, _ = expected.indices(len(content))
        assert (bytes(part.data), part.start, part.size) == (content[expected], start, len(content))


@pytest.mark.parametrize("range", [ByteRange(3, None), ByteRange(3, 9), ByteRange(None, 0)])
async def test_a_range_beyond_the_end(storage: Storage, range: ByteRange, tmp_path: Path) -> None:
    await put(storage, ORIGINAL, b"abc", tmp_path)
    with pytest.raises(RangeNotSatisfiable) as refused:
        await storage.open(ORIGINAL, range)
    assert refused.value.size == 3
    assert storage.read_nowait(ORIGINAL, 3, range) is None


@pytest.mark.parametrize("chunks_read", [0, 1])
async def test_a_blob_closes_whatever_was_read(storage: Storage, chunks_read: int, tmp_path: Path) -> None:
    await put(storage, ORIGINAL, os.urandom(CHUNK_BYTES * 2), tmp_path)
    blob = await storage.open(ORIGINAL)
    for _ in range(chunks_read):
        await anext(blob.chunks)
    await blob.aclose()
    await blob.aclose()  # twice is no error


async def test_what_is_not_there(storage: Storage) -> None:
    for name in (ORIGINAL, "private/ab", VARIANT):
        with pytest.raises(BlobNotFound):
            await storage.open(name)
        with pytest.raises(BlobNotFound):
            async with storage.as_file(name):
                pass
        assert not await storage.exists(name)
    await storage.delete([ORIGINAL, VARIANT])
    await storage.delete([])
    assert [blob async for blob in storage.list("private/")] == []


async def test_a_put_replaces_what_may_be_rewritten(storage: Storage, tmp_path: Path) -> None:
    for content in (b"first", b"second, and longer", b"3"):
        await put(storage, MARK, content, tmp_path)
        assert await get(storage, MARK) == content


async def test_a_variant_stays_as_it_was_put_first(storage: Storage, tmp_path: Path) -> None:
    for content in (b"first", b"second, and longer", b"3"):
        await put(storage, VARIANT, content, tmp_path)
        assert await get(storage, VARIANT) == b"first"


async def test_a_reader_of_what_is_replaced_reads_the_old_bytes(storage: Storage, tmp_path: Path) -> None:
    old = os.urandom(CHUNK_BYTES * 2)
    await put(storage, MARK, old, tmp_path)
    blob = await storage.open(MARK)
    read = await anext(blob.chunks)
    await put(storage, MARK, b"new", tmp_path)
    read += b"".join([chunk async for chunk in blob.chunks])
    await blob.aclose()
    assert read == old


async def test_puts_at_once_leave_one_of_them_whole(storage: Storage, tmp_path: Path) -> None:
    contents = [bytes([i]) * (CHUNK_BYTES + i) for i in range(16)]
    sources = [tmp_path / f"source-{i}" for i in range(16)]
    for source, content in zip(sources, contents, strict=True):
        source.write_bytes(content)
    await asyncio.gather(*(storage.put(VARIANT, source, HEADERS) for source in sources))
    assert await get(storage, VARIANT) in contents


async def test_one_source_put_twice_at_once(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"same")
    names = [ORIGINAL, VARIANT, ORIGINAL, "private/cd/cd00"]
    await asyncio.gather(*(storage.put(name, source, HEADERS) for name in names))
    assert [await get(storage, name) for name in names] == [b"same"] * 4


async def test_the_source_stays_and_blobs_are_not_changed_by_each_other(storage: Storage, tmp_path: Path) -> None:
    await put(storage, ORIGINAL, b"one picture", tmp_path)
    async with storage.as_file(ORIGINAL) as path:
        await storage.put("private/cd/cd00", path, HEADERS)
        assert path.read_bytes() == b"one picture"
    await storage.delete([ORIGINAL])
    assert await get(storage, "private/cd/cd00") == b"one picture"


async def test_exists(storage: Storage, tmp_path: Path) -> None:
    await put(storage, VARIANT, b"", tmp_path)
    assert await storage.exists(VARIANT)
    assert not await storage.exists(VARIANT.rpartition("/")[0])


async def test_delete(storage: Storage, tmp_path: Path) -> None:
    for name in (ORIGINAL, VARIANT):
        await put(storage, name, b"x", tmp_path)
    await storage.delete(iter([ORIGINAL, "private/00/nothing"]))
    with pytest.raises(BlobNotFound):
        await storage.open(ORIGINAL)
    assert await get(storage, VARIANT) == b"x"


async def test_list_knows_prefixes_names_and_sizes(storage: Storage, tmp_path: Path) -> None:
    names = {f"private/{i % 3:02x}/{i:04x}": i for i in range(20)}
    for name, size in {**names, VARIANT: 1}.items():
        await put(storage, name, b"x" * size, tmp_path)
    listed = {blob.name: blob.size async for blob in storage.list("private/")}
    assert listed == names
    assert [blob.name async for blob in storage.list("public/stores/000/001/")] == [VARIANT]
    assert [blob async for blob in storage.list("privat/")] == []
    assert {name async for some in storage.names("private/") for name in some} == set(names)
    assert await storage.folders("private/") == ["private/00/", "private/01/", "private/02/"]
    assert await storage.folders("public/stores/") == ["public/stores/000/"]
    assert await storage.folders("nothing/") == []


async def test_a_blob_is_described_without_reading_it(storage: Storage, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"0123")
    await storage.put(ORIGINAL, source, BlobHeaders("image/jpeg", sha256="ab" * 32))
    [listed] = [blob async for blob in storage.list("private/")]
    described = await storage.describe(ORIGINAL)
    assert (described.name, described.size, described.modified) == (ORIGINAL, 4, listed.modified)
    assert described.sha256 == (None if isinstance(storage, LocalStorage) else "ab" * 32)
    for nothing in ("private/ab/none", "private/ab"):
        with pytest.raises(BlobNotFound):
            await storage.describe(nothing)


async def test_a_list_may_be_left_early(storage: Storage, tmp_path: Path) -> None:
    for i in range(3):
        await put(storage, f"private/00/{i}", b"x", tmp_path)
    async for blob in storage.list("private/"):
        assert blob.size == 1
        break


async def test_what_vanishes_during_a_list_is_no_error(storage: Storage, tmp_path: Path) -> None:
    names = [f"private/{i:02x}/{i}" for i in range(8)]
    for name in names:
        await put(storage, name, b"x", tmp_path)
    seen = 0
    async for _ in storage.list("private/"):
        await storage.delete(names)
        seen += 1
    assert 1 <= seen <= 8


async def test_check_tells_the_time_of_the_blobs_and_leaves_nothing(storage: Storage, tmp_path: Path) -> None:
    before = await storage.check()
    await put(storage, ORIGINAL, b"x", tmp_path)
    [listed] = [blob async for blob in storage.list("private/")]
    assert before <= listed.modified <= await storage.check()
    assert [blob async for blob in storage.list("tmp/")] == []
