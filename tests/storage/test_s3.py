"""What S3 adds to the contract: headers, checksums, names that are written once, pages."""

import asyncio
import io
import os
from pathlib import Path

import obstore
import pytest
from obstore.store import S3Store
from PIL import Image

from image_service.errors import StorageUnavailable
from image_service.storage.base import BlobHeaders
from image_service.storage.opening import open_storage
from image_service.storage.s3 import S3Storage
from image_service.storage.staging import Staging
from tests.conftest import NewS3
from tests.s3.proxy import S3Proxy, flips_a_bit, loses_the_answer, stalls
from tests.s3.seaweed import BUCKET, SeaweedFS, new_prefix
from tests.storage.test_contract import HEADERS, ORIGINAL, VARIANT, get, put


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"0123456789")
    return path


async def test_a_bucket_answers_with_the_headers_itself(new_s3: NewS3, seaweed: SeaweedFS, source: Path) -> None:
    prefix = new_prefix()
    headers = BlobHeaders("image/webp", "public, max-age=31536000, immutable", "inline")
    await new_s3(prefix=prefix).put(VARIANT, source, headers)
    answer = seaweed.request("GET", f"/{BUCKET}/{prefix}/{VARIANT}")
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-disposition"] == "inline"


async def test_what_changes_on_the_way_is_not_kept(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    async with S3Proxy(seaweed.endpoint) as proxy:
        storage = new_s3(proxy.endpoint)
        proxy.fail("PUT", flips_a_bit)
        await put(storage, ORIGINAL, b"as it was", tmp_path)
        assert proxy.methods() == ["PUT", "PUT"]
        assert b"x-amz-checksum-sha256: " in proxy.seen[0].head.lower()
        assert await get(storage, ORIGINAL) == b"as it was"
        proxy.fail_always("PUT", flips_a_bit)
        with pytest.raises(StorageUnavailable):
            await put(storage, "private/cd/cd00", b"as it was", tmp_path)
        proxy.heal()
        assert not await storage.exists("private/cd/cd00")


async def test_an_original_is_written_once(new_s3: NewS3, tmp_path: Path) -> None:
    storage = new_s3()
    await put(storage, ORIGINAL, b"first", tmp_path)
    for other in (b"other", b"fir", b"first and more", b""):
        with pytest.raises(StorageUnavailable, match="other bytes"):
            await put(storage, ORIGINAL, other, tmp_path)
    await put(storage, ORIGINAL, b"first", tmp_path)
    assert await get(storage, ORIGINAL) == b"first"


async def test_one_of_many_writers_of_other_bytes_wins(new_s3: NewS3, tmp_path: Path) -> None:
    storage, name = new_s3(), "private/instance"
    sources = [tmp_path / str(i) for i in range(8)]
    for path in sources:
        path.write_bytes(os.urandom(1000))
    done = await asyncio.gather(*(storage.put(name, path, HEADERS) for path in sources), return_exceptions=True)
    [winner] = [path for path, failure in zip(sources, done, strict=True) if failure is None]
    assert await get(storage, name) == winner.read_bytes()


async def test_an_answer_that_was_lost(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    """The second attempt finds what the first has stored."""
    async with S3Proxy(seaweed.endpoint) as proxy:
        storage = new_s3(proxy.endpoint)
        proxy.fail("PUT", loses_the_answer)
        await put(storage, ORIGINAL, b"mine", tmp_path)
        assert proxy.methods() == ["PUT", "PUT", "GET"]
        assert await get(storage, ORIGINAL) == b"mine"


async def test_a_put_that_is_cancelled_leaves_nothing_open(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(12_000_000))
    async with S3Proxy(seaweed.endpoint) as proxy:
        storage = new_s3(proxy.endpoint)
        proxy.fail("PUT", stalls)
        putting = asyncio.create_task(storage.put(ORIGINAL, large, HEADERS))
        while not proxy.seen:  # noqa: ASYNC110 - what a socket brings
            await asyncio.sleep(0.01)
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert seaweed.unfinished() == []
        await storage.put(ORIGINAL, large, HEADERS)  # the same again, whatever has become of the first
        assert seaweed.unfinished() == []
        assert not any("?" in request.target for request in proxy.seen)
        assert len(await get(storage, ORIGINAL)) == 12_000_000


async def test_more_blobs_than_a_page_holds(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    prefix = new_prefix()
    storage = new_s3(prefix=prefix)
    names = {f"private/{i % 7:02x}/{i:04x}" for i in range(1100)}
    bucket = S3Store(BUCKET, prefix=prefix, config=seaweed.config())  # type: ignore[arg-type]
    gate = asyncio.Semaphore(32)

    async def fill(name: str) -> None:
        async with gate:
            await asyncio.to_thread(obstore.put, bucket, name, b"x")

    await asyncio.gather(*map(fill, names))
    listed = [blob.name async for blob in storage.list("private/")]
    assert set(listed) == names
    assert len(listed) == 1100
    await storage.delete(listed)
    assert [blob async for blob in storage.list("private/")] == []


async def test_a_file_goes_when_it_has_been_used(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    staging = Staging(tmp_path / "staging")
    storage = S3Storage(BUCKET, new_prefix(), staging, seaweed.config())
    buffer = io.BytesIO()
    Image.effect_noise((600, 600), 90).save(buffer, "PNG")
    await put(storage, ORIGINAL, buffer.getvalue(), tmp_path)
    async with storage.as_file(ORIGINAL) as path:
        assert path.read_bytes() == buffer.getvalue()
        assert path.parent == tmp_path / "staging"
    assert list((tmp_path / "staging").iterdir()) == []


async def test_a_reader_that_waits_holds_little(new_s3: NewS3, seaweed: SeaweedFS, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(48_000_000))
    async with S3Proxy(seaweed.endpoint) as proxy:
        storage = new_s3(proxy.endpoint)
        await storage.put(VARIANT, large, HEADERS)
        blob = await storage.open(VARIANT)
        first = await anext(blob.chunks)
        assert len(first) < 2_000_000
        assert len(await get(storage, VARIANT)) == 48_000_000  # a time in which all of the first would have come
        assert proxy.passed[-1] == 48_000_000
        assert proxy.passed[-2] < 20_000_000
        await blob.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:///prefix",
        "s3://a",
        "s3://key:secret@bucket/prefix",
        "s3://bucket/prefix?region=x",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "s3://bucket/a b",
        "file://host/path",
        "gs://bucket",
        "/var/blobs",
    ],
)
def test_urls_that_name_no_blob_store(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it must be"):
        open_storage(url, Staging(tmp_path / "staging"))


def test_a_url_that_names_a_bucket(tmp_path: Path) -> None:
    for url in ("s3://bucket", "s3://bucket/", "s3://bucket/a/prefix/"):
        assert isinstance(open_storage(url, Staging(tmp_path / "staging")), S3Storage)
