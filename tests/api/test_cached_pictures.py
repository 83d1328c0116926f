"""Pictures that are sent from the cache: only while their files are there, and the same."""

import os
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from image_service.delivery.asked import Asked, Key
from image_service.delivery.cache import CACHE_BYTES, MAX_CACHED_BYTES, PictureCache
from image_service.delivery.find import Served
from image_service.pixels.picture import Format
from image_service.storage.base import BlobHeaders
from image_service.storage.local import LocalStorage
from tests.api.pictures import ROCKET, headers_of, uploaded, url_of
from tests.conftest import Service, StartService


@dataclass
class Hot:
    """A picture that has been asked for a few times already."""

    api_url: str
    url: str
    answer: httpx.Response
    file: Path


@pytest.fixture
async def hot(service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> Hot:
    image = await uploaded(client, ROCKET)
    url = url_of(image)
    answers = [await anyone.get(url) for _ in range(4)]
    assert {answer.content for answer in answers} == {answers[0].content}
    file = service.settings.data_dir / "blobs" / "public" / url.removeprefix("/")
    return Hot(f"/products/{image['product_id']}/images/{image['id']}", url, answers[0], file)


def blacken(file: Path) -> None:
    """Other bytes, of the same length and date."""
    found = file.stat()
    file.write_bytes(bytes(found.st_size))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


async def test_it_is_what_it_was(anyone: httpx.AsyncClient, hot: Hot) -> None:
    again = await anyone.get(hot.url)
    assert (again.status_code, again.content, headers_of(again)) == (200, hot.answer.content, headers_of(hot.answer))
    part = await anyone.get(hot.url, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, hot.answer.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(hot.answer.content)}"
    beyond = await anyone.get(hot.url, headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416
    head = await anyone.head(hot.url)
    assert (head.content, headers_of(head)) == (b"", headers_of(hot.answer))
    assert (await anyone.get(hot.url, headers={"If-None-Match": hot.answer.headers["etag"]})).status_code == 304


async def test_its_bytes_are_not_read_again(anyone: httpx.AsyncClient, hot: Hot) -> None:
    """Others, of the same length and date, are not even noticed: a key names its bytes for ever."""
    blacken(hot.file)
    assert (await anyone.get(hot.url)).content == hot.answer.content


async def test_one_that_is_asked_for_in_parts_is_kept_too(
    service: Service, client: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    url = url_of(await uploaded(client, ROCKET))
    first, second = {"Range": "bytes=0-99"}, {"Range": "bytes=-100"}
    whole = (await anyone.get(url)).content
    parts = [(await anyone.get(url, headers=asked)).content for asked in (first, second)]
    file = service.settings.data_dir / "blobs" / "public" / url.removeprefix("/")
    blacken(file)
    assert [(await anyone.get(url, headers=asked)).content for asked in (first, second)] == parts
    assert parts == [whole[:100], whole[-100:]]
    assert (await anyone.get(url)).content == whole


async def test_parts_of_one_that_is_too_large_to_keep(anyone: httpx.AsyncClient, hot: Hot) -> None:
    content = os.urandom(1_000_000)
    hot.file.write_bytes(content)
    for start in (0, 300_000, 999_999):
        part = await anyone.get(hot.url, headers={"Range": f"bytes={start}-{start + 99}"})
        assert (part.status_code, part.content) == (206, content[start : start + 100])
        assert part.headers["content-range"].endswith("/1000000")
    assert (await anyone.get(hot.url)).content == content


async def test_it_is_gone_with_its_image_wherever_that_was_deleted(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, start_service: StartService, hot: Hot
) -> None:
    async with start_service() as other, other.client(headers=client.headers) as elsewhere:
        (await elsewhere.delete(hot.api_url)).raise_for_status()
    assert (await anyone.get(hot.url)).status_code == 404
    assert (await anyone.get(hot.url, headers={"Range": "bytes=0-9"})).status_code == 404


async def test_it_is_rendered_again_when_its_file_was_lost(anyone: httpx.AsyncClient, hot: Hot) -> None:
    hot.file.unlink()
    again = await anyone.get(hot.url)
    assert (again.status_code, again.content) == (200, hot.answer.content)
    assert hot.file.exists()


async def test_what_is_in_the_file_counts(anyone: httpx.AsyncClient, hot: Hot) -> None:
    hot.file.write_bytes(b"another")
    for _ in range(3):
        again = await anyone.get(hot.url)
        assert (again.status_code, again.content) == (200, b"another")
        assert again.headers["etag"] != hot.answer.headers["etag"]


async def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    """Told by which of them are read from the disk again."""
    storage, cache = LocalStorage(tmp_path), PictureCache()
    keys = [(b"/%d" % number, b"") for number in range(CACHE_BYTES // MAX_CACHED_BYTES + 2)]

    def body_of(key: Key) -> bytes:
        hit = cache.find(Asked(key, "", None, b"an-id"), storage)
        assert hit is not None
        return bytes(hit.body)

    for number, key in enumerate(keys):
        source = tmp_path / "source"
        source.write_bytes(b"%d" % number + bytes(MAX_CACHED_BYTES - len(str(number))))
        name = f"public/{number}"
        await storage.put(name, source, BlobHeaders("image/jpeg"))
        etag = storage.etag_nowait(name)
        assert etag is not None
        cache.keep(key, Served(name, etag, (), Format.JPG, negotiated=False))
        body_of(key)
        body_of(keys[0])  # it is asked for all the time
    for number in range(len(keys)):
        blacken(tmp_path / "public" / str(number))
    # In the order of their last use: one that is read from the disk takes the place of the oldest.
    asked = [0, *reversed(range(1, len(keys)))]
    assert [number for number in asked if body_of(keys[number])[:1] != b"\0"] == [0, *reversed(range(3, len(keys)))]
