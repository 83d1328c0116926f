"""An S3 store that errs, stalls, resets or cuts off: tried again, with a limit, and never half a truth."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from image_service.errors import StorageFull, StorageUnavailable
from image_service.storage.base import CHUNK_BYTES, ByteRange, Storage
from image_service.storage.names import MARK
from image_service.storage.s3 import S3Storage
from image_service.storage.s3_calls import S3Limits
from image_service.storage.staging import Staging
from tests.conftest import NewS3
from tests.s3.proxy import Exchange, Fault, S3Proxy, answers, cuts, loses_the_answer, resets, stalls
from tests.s3.seaweed import BUCKET, SeaweedFS
from tests.storage.test_contract import HEADERS, ORIGINAL, VARIANT, get, put

BRISK = S3Limits(pauses=(0.01, 0.01, 0.01))
ATTEMPTS = 1 + len(BRISK.pauses)
HASTY = S3Limits(call=2.0, put=0.7, silent=0.7, pauses=(0.01, 0.01, 0.01))
FAULTS = {
    "500": answers("500 Internal Server Error"),
    "503": answers("503 Slow Down", "SlowDown"),
    "reset": resets,
    "lost": loses_the_answer,
}
SMALL = b"small"
CALLS: dict[str, tuple[str, Callable[[Storage, Path], Awaitable[object]]]] = {
    "put": ("PUT", lambda storage, path: storage.put("private/cd/cd00", path, HEADERS)),
    "replace": ("PUT", lambda storage, path: storage.put(VARIANT, path, HEADERS)),
    "get": ("GET", lambda storage, _: get(storage, ORIGINAL)),
    "range": ("HEAD", lambda storage, _: get(storage, ORIGINAL, ByteRange(1, 2))),
    "exists": ("HEAD", lambda storage, _: storage.exists(ORIGINAL)),
    "list": ("GET", lambda storage, _: names(storage)),
    "delete": ("POST", lambda storage, _: storage.delete([VARIANT])),
}


async def names(storage: Storage) -> list[str]:
    return [blob.name async for blob in storage.list("private/")]


@pytest.fixture
async def proxy(seaweed: SeaweedFS) -> AsyncIterator[S3Proxy]:
    async with S3Proxy(seaweed.endpoint) as proxy:
        yield proxy


@pytest.fixture
async def storage(proxy: S3Proxy, new_s3: NewS3, tmp_path: Path) -> S3Storage:
    """By way of the proxy, with one original in it."""
    return await filled(new_s3(proxy.endpoint, BRISK), proxy, tmp_path)


@pytest.fixture
async def hasty(proxy: S3Proxy, new_s3: NewS3, tmp_path: Path) -> S3Storage:
    """The same, and does not wait for long."""
    return await filled(new_s3(proxy.endpoint, HASTY), proxy, tmp_path)


async def filled(storage: S3Storage, proxy: S3Proxy, folder: Path) -> S3Storage:
    await put(storage, ORIGINAL, SMALL, folder)
    proxy.seen.clear()
    return storage


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "other"
    path.write_bytes(SMALL)
    return path


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_fails_twice_works_in_the_end(
    storage: S3Storage, proxy: S3Proxy, source: Path, call: str, fault: str
) -> None:
    method, work = CALLS[call]
    proxy.fail(method, FAULTS[fault], FAULTS[fault])
    await work(storage, source)
    assert proxy.methods().count(method) >= 3
    assert await get(storage, ORIGINAL) == SMALL
    if method == "PUT":
        assert await get(storage, "private/cd/cd00" if call == "put" else VARIANT) == SMALL


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_on_failing_is_said_to_be_unavailable(
    storage: S3Storage, proxy: S3Proxy, source: Path, call: str, fault: str
) -> None:
    method, work = CALLS[call]
    proxy.fail_always(method, FAULTS[fault])
    with pytest.raises(StorageUnavailable):
        await work(storage, source)
    assert proxy.methods().count(method) == ATTEMPTS
    proxy.heal()
    await work(storage, source)
    assert await get(storage, ORIGINAL) == SMALL


async def test_a_store_that_is_silent_for_a_while(hasty: S3Storage, proxy: S3Proxy, source: Path) -> None:
    proxy.fail("PUT", stalls)
    proxy.fail("GET", stalls)
    await asyncio.gather(hasty.put(VARIANT, source, HEADERS), get(hasty, ORIGINAL))
    assert sorted(proxy.methods()) == ["GET", "GET", "PUT", "PUT"]


async def test_a_store_that_stays_silent_is_given_up(hasty: S3Storage, proxy: S3Proxy, source: Path) -> None:
    """By the limit of the whole call, also of those that have waited for a thread."""
    proxy.fail_always("*", stalls)
    calls = [hasty.put(f"private/00/{i}", source, HEADERS) for i in range(50)]
    async with asyncio.timeout(60):  # a multiple of S3Limits.call: a machine may have much else to do
        done = await asyncio.gather(*calls, *(get(hasty, ORIGINAL) for _ in range(50)), return_exceptions=True)
    assert {type(each) for each in done} == {StorageUnavailable}
    proxy.heal()
    assert await get(hasty, ORIGINAL) == SMALL


async def test_a_download_that_is_cut_goes_on_at_the_same_byte(
    storage: S3Storage, proxy: S3Proxy, tmp_path: Path
) -> None:
    content = os.urandom(CHUNK_BYTES * 8 + 5)
    await put(storage, VARIANT, content, tmp_path)
    proxy.fail("GET", cuts(CHUNK_BYTES * 3), cuts(CHUNK_BYTES), cuts(0))
    assert await get(storage, VARIANT) == content
    proxy.fail("GET", cuts(CHUNK_BYTES))
    assert await get(storage, VARIANT, ByteRange(7, CHUNK_BYTES * 3)) == content[7 : CHUNK_BYTES * 3 + 1]
    proxy.fail("GET", cuts(CHUNK_BYTES * 3))
    async with storage.as_file(VARIANT) as path:
        assert path.read_bytes() == content


async def test_a_download_that_is_cut_again_and_again_ends(storage: S3Storage, proxy: S3Proxy, tmp_path: Path) -> None:
    await put(storage, VARIANT, bytes(CHUNK_BYTES * 8), tmp_path)
    proxy.fail_always("GET", cuts(1000))
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        await get(storage, VARIANT)


async def test_a_download_goes_on_with_the_same_bytes_or_not_at_all(
    storage: S3Storage, proxy: S3Proxy, tmp_path: Path
) -> None:
    await put(storage, MARK, os.urandom(CHUNK_BYTES * 40), tmp_path)
    for change in (put(storage, MARK, os.urandom(CHUNK_BYTES * 40), tmp_path), storage.delete([MARK])):
        proxy.fail("GET", cuts(CHUNK_BYTES * 2))
        blob = await storage.open(MARK)
        await anext(blob.chunks)
        await change
        with pytest.raises(StorageUnavailable):
            async for _ in blob.chunks:
                pass
        await blob.aclose()


async def test_a_list_goes_on_with_the_next_page(
    storage: S3Storage, proxy: S3Proxy, seaweed: SeaweedFS, tmp_path: Path
) -> None:
    wanted = [ORIGINAL]
    for i in range(12):
        wanted.append(f"private/{i:02x}/{i:04x}")
        await put(storage, wanted[-1], SMALL, tmp_path)
    proxy.fail("GET", resets, cuts(100), answers("500 Internal Server Error"))
    assert sorted(await names(storage)) == sorted(wanted)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (answers("507 Insufficient Storage", "XMinioStorageFull"), StorageFull),
        (answers("403 Forbidden", "QuotaExceeded"), StorageFull),
        (answers("403 Forbidden", "AccessDenied"), StorageUnavailable),
        (answers("404 Not Found", "NoSuchBucket"), StorageUnavailable),
        (answers("301 Moved Permanently", "PermanentRedirect"), StorageUnavailable),
    ],
)
async def test_what_the_store_says(
    storage: S3Storage, proxy: S3Proxy, source: Path, fault: Fault, failure: type[Exception]
) -> None:
    proxy.fail_always("*", fault)
    with pytest.raises(failure):
        await storage.put(VARIANT, source, HEADERS)
    with pytest.raises(failure):
        await storage.check()


async def lies(exchange: Exchange) -> None:
    """Other bytes than were written."""
    head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "1"\r\nLast-Modified: Sat, 21 Nov 2026 23:44:47 GMT\r\n'
    exchange.client.write(f"{head}Connection: close\r\n\r\nother".encode())


async def test_a_check_that_reads_other_bytes_leaves_nothing(storage: S3Storage, proxy: S3Proxy) -> None:
    proxy.fail("GET", lies)
    with pytest.raises(StorageUnavailable, match="not what was written"):
        await storage.check()
    assert [blob.name async for blob in storage.list("tmp/")] == []


async def test_a_bucket_that_is_not_there(seaweed: SeaweedFS, source: Path, tmp_path: Path) -> None:
    """Never takes an original for one that is gone."""
    storage = S3Storage("no-such-bucket", "", Staging(tmp_path / "staging"), seaweed.config(), BRISK)
    for work in (
        storage.put(ORIGINAL, source, HEADERS),
        storage.open(ORIGINAL),
        names(storage),
        storage.delete([ORIGINAL]),
        storage.check(),
    ):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            await work


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"allow_http": "false"}, "AWS_ALLOW_HTTP"),
        ({"endpoint": "http://127.0.0.1:9"}, "error sending request"),
    ],
)
async def test_what_is_configured_wrong_is_said(
    seaweed: SeaweedFS, tmp_path: Path, wrong: dict[str, str], said: str
) -> None:
    storage = S3Storage(BUCKET, "", Staging(tmp_path / "staging"), {**seaweed.config(), **wrong}, BRISK)
    with pytest.raises(StorageUnavailable, match=said) as failure:
        await storage.check()
    assert len(str(failure.value)) < 1000
    assert "\n" not in str(failure.value)
