"""Moving a running service's bytes from the local disk to S3 and back, as docs/operations/s3.md says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from image_service.images import instance
from image_service.storage.base import Storage
from image_service.storage.local import LocalStorage
from image_service.storage.names import VariantName, original_name
from image_service.storage.opening import open_storage
from image_service.storage.s3 import S3Storage
from image_service.storage.staging import Staging
from image_service.stores.registry import NewStore
from tests.conftest import NewDatabase, NewS3, Service, StartService
from tests.processes import Done, command
from tests.s3.seaweed import BUCKET, SeaweedFS, new_prefix
from tests.shop import added, form, path, png

IMAGES = "/products/1/images"


class Installation:
    """One database, and a place for bytes on the disk and in S3; commands are the program's own."""

    def __init__(self, folder: Path, database_url: str, seaweed: SeaweedFS, s3: S3Storage, prefix: str) -> None:
        self.folder = folder
        self.disk, self.s3 = (folder / "data" / "blobs").as_uri(), f"s3://{BUCKET}/{prefix}"
        self.stores: dict[str, Storage] = {self.disk: LocalStorage(folder / "data" / "blobs"), self.s3: s3}
        self.database_url = database_url
        self._variables: dict[str, Any] = {"DATABASE_URL": database_url, **seaweed.variables}

    async def run(self, *arguments: str, on: str | None = None) -> Done:
        variables = self._variables | {"STORAGE_URL": on or self.disk}
        return await asyncio.to_thread(command, self.folder, *arguments, **variables)

    async def copy(self, source: str, target: str, *options: str, status: int = 0) -> Any:
        done = await self.run("copy-storage", source, target, "--json", *options)
        assert (done.status, done.err) == (status, ""), done
        return done.json


@pytest.fixture
async def installation(tmp_path: Path, new_database: NewDatabase, seaweed: SeaweedFS, new_s3: NewS3) -> Installation:
    prefix = new_prefix()
    return Installation(tmp_path, await new_database(), seaweed, new_s3(prefix=prefix), prefix)


class Clients:
    """Add, look at and delete images all the time, and remember what they were told."""

    def __init__(self) -> None:
        self.pictures: dict[int, bytes] = {}  # by the image's id: what its original must be
        self._made = 0

    async def work(self, client: httpx.AsyncClient) -> None:
        for _ in range(6):
            self._made += 1
            picture = png(f"#{self._made * 1001:06x}")
            answer = await client.post(IMAGES, files=form(picture))
            assert answer.status_code == 201, answer.text
            image = answer.json()
            self.pictures[image["id"]] = picture
            assert (await client.get(path(image["src"]))).status_code == 200
        oldest = min(self.pictures)
        del self.pictures[oldest]
        assert (await client.delete(f"/images/{oldest}")).status_code == 200

    async def check(self, client: httpx.AsyncClient) -> None:
        """All that they know of is there, in the bytes that they sent."""
        listed = (await client.get(IMAGES, params={"per_page": 200})).json()
        assert {image["id"] for image in listed} == set(self.pictures)
        for id, picture in self.pictures.items():
            assert (await client.get(f"/images/{id}/original")).content == picture


@pytest.fixture
def start(installation: Installation, start_service: StartService) -> Any:
    @asynccontextmanager
    async def start(url: str) -> AsyncIterator[Service]:
        options: dict[str, Any] = {"database_url": installation.database_url, "data_dir": installation.folder / "data"}
        async with start_service(parts={"storage": installation.stores[url]}, **options) as service:
            yield service

    return start


def speaking(service: Service, store: NewStore) -> httpx.AsyncClient:
    return service.client(headers={"Authorization": f"Bearer {store.token}"})


async def test_to_s3_and_back_while_clients_go_on(installation: Installation, start: Any) -> None:
    clients = Clients()
    async with start(installation.disk) as service:
        store = await service.new_store()
    for source, target in ((installation.disk, installation.s3), (installation.s3, installation.disk)):
        async with start(source) as service, speaking(service, store) as client:
            await clients.work(client)
            first, _ = await asyncio.gather(installation.copy(source, target), clients.work(client))
            assert first["originals"]["copied"]
            assert first["variants"]["copied"]
            await clients.work(client)
        async with start(target) as service, speaking(service, store) as client:
            assert (await client.get("/health/ready")).json()["instance"] == "ok"
            second, _ = await asyncio.gather(installation.copy(source, target, "--quick"), clients.work(client))
            assert second["originals"]["copied"]  # what came in between
            assert second["bad"] == []
            await clients.check(client)
            if target == installation.s3:
                assert (await installation.run("sweep", on=target)).status == 0
                verified = await installation.run("verify", "--json", on=target)
                assert verified.json == {"whole": len(clients.pictures), "read": 0, "sample": 1.0, "bad": []}
                await clients.check(client)


async def test_what_is_missing_or_damaged_is_listed(installation: Installation, start: Any) -> None:
    disk, s3 = installation.disk, installation.s3
    root = installation.folder / "data" / "blobs"
    async with start(disk) as service:
        store = await service.new_store()
        async with speaking(service, store) as client:
            images = [await added(client, 1) for _ in range(4)]
            names = [original_name(image["src"].rsplit("-", 3)[1]) for image in images]
            assert (await client.get(path(images[0]["src"]))).status_code == 200
            content = (root / names[1]).read_bytes()
            (root / names[1]).write_bytes(content[:-1] + b"?")
            (root / names[2]).unlink()
            report = await installation.copy(disk, s3, "--originals-only", status=1)
            assert report["originals"] == {"copied": 2, "there": 0, "damaged": 1, "missing": 1, "unreadable": 0}
            assert report["variants"] == {"copied": 0, "there": 0}
            assert [(each["image_id"], each["state"]) for each in report["bad"]] == [
                (images[1]["id"], "damaged"),
                (images[2]["id"], "missing"),
            ]
            said = (await installation.run("copy-storage", disk, s3)).out.splitlines()
            assert said[0] == f"damaged: image {images[1]['id']} of store {store.store_id}, {names[1]}"
            assert said[2] == "originals: 0 copied, 2 there, 1 damaged, 1 missing, 0 unreadable"
            assert said[3] == "variants: 1 copied, 0 there"

            # What is not whole over there is copied again, and what is, is not.
            (root / names[1]).write_bytes(content)
            (root / names[2]).write_bytes(content)
            await _damage(installation.stores[s3], names[0], installation.folder)
            report = await installation.copy(disk, s3)
            assert (report["originals"]["copied"], report["originals"]["there"]) == (3, 1)
            assert report["variants"] == {"copied": 0, "there": 1}
            assert (await installation.run("verify", on=s3)).status == 0


async def _damage(storage: Storage, name: str, folder: Path) -> None:
    """Other bytes of the same length."""
    async with storage.as_file(name) as path:
        other = folder / "other"
        other.write_bytes(bytes(len(path.read_bytes())))
    await storage.delete([name])
    await storage.put(name, other, instance.HEADERS)


async def test_which_formats_are_not_the_lightest_is_copied_too(installation: Installation, start: Any) -> None:
    disk, s3 = installation.disk, installation.s3
    async with start(disk) as service:
        store = await service.new_store()
        async with speaking(service, store) as client:
            src = path((await added(client, 1))["src"])
            assert (await client.get(src, headers={"Accept": "image/avif,image/webp"})).status_code == 200
            assert (await installation.copy(disk, s3))["bad"] == []
    name = VariantName.parse(src.removeprefix("/"))
    assert name is not None
    marker = name.as_("avif").marker
    assert marker is not None
    assert [await installation.stores[each].exists(marker) for each in (disk, s3)] == [True, True]


async def test_a_copy_that_was_cut_short_leaves_a_store_that_nobody_uses(
    installation: Installation, start: Any
) -> None:
    disk, s3 = installation.disk, installation.s3
    async with start(disk) as service:
        store = await service.new_store()
        async with speaking(service, store) as client:
            image = await added(client, 1)
            name = original_name(image["src"].rsplit("-", 3)[1])
            async with installation.stores[disk].as_file(name) as original:
                await installation.stores[s3].put(name, original, instance.HEADERS)
    async with start(s3) as service, service.client() as anyone:
        ready = await anyone.get("/health/ready")
        assert ready.status_code == 503
        assert "different installations" in ready.json()["instance"]
        assert (await installation.copy(disk, s3))["originals"]["there"] == 1
        assert (await anyone.get("/health/ready")).status_code == 200


async def test_stores_of_somebody_else(
    installation: Installation, start: Any, new_database: NewDatabase, tmp_path: Path
) -> None:
    async with start(installation.disk), start(installation.s3):
        pass  # the disk is ours now, and S3 as well
    other = (tmp_path / "other").as_uri()
    staging = Staging(tmp_path / "staging")
    async with staging.file() as file:
        file.write_text("c0ffee00-0000-4000-8000-000000000000")
        await open_storage(other, staging).put(instance.NAME, file, instance.HEADERS)
    for source, target in ((other, installation.s3), (installation.disk, other)):
        done = await installation.run("copy-storage", source, target)
        assert (done.status, done.out) == (1, "")
        assert "the blob store of c0ffee00" in done.err
    done = await installation.run("copy-storage", installation.disk, "ftp://host/path")
    assert (done.status, done.err) == (
        1,
        "image-service: ftp://host/path: it must be file:///… or s3://bucket/prefix\n",
    )
