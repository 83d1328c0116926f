"""Repeats where the database is lost in mid-commit: whatever has become of the first, there is one image."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from image_service.errors import DatabaseUnavailable
from image_service.images.rendering.placing import Placing
from image_service.storage.lightest import Lightest
from image_service.storage.names import VariantName
from image_service.storage.staging import Staging
from image_service.stores.registry import NewStore
from tests.api.pictures import CUP, uploaded, url_of
from tests.api.repeated import HeldStorage
from tests.conftest import Service, StartService
from tests.faults.proxy import BOUND, SECONDS, Commit, proxied
from tests.shop import form, order


@pytest.mark.parametrize("fate", Commit)
async def test_a_commit_whose_outcome_is_unknown(
    start_service: StartService,
    service: Service,
    store: NewStore,
    client: httpx.AsyncClient,
    database_url: str,
    fate: Commit,
) -> None:
    """The client is told 503; the repeat finds out."""
    images, key = "/products/1234/images", {"Idempotency-Key": str(uuid4())}
    held = HeldStorage(service.settings.data_dir / "blobs")
    async with (
        proxied(database_url) as proxy,
        start_service(database_url=proxy.url, parts={"storage": held}, database_seconds=SECONDS) as cut,
        cut.client(headers={**client.headers, **key}) as caller,
    ):
        first = asyncio.create_task(caller.post(images, files=form()))
        await held.arrived.wait()
        proxy.next_commit = fate
        held.may_store.set()
        async with asyncio.timeout(BOUND):
            answer = await first
        assert proxy.caught.is_set()
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert len(await order(client)) == (0 if fate is Commit.LOST else 1)
        again = [await caller.post(images, files=form()) for _ in range(2)]
        assert [each.status_code for each in again] == [201, 201]
        assert again[0].content == again[1].content
        assert await order(client) == [again[0].json()["id"]]
        # Bytes whose row may exist are never removed.
        assert len(await held.left()) == (2 if fate is Commit.LOST else 1)


async def test_a_stored_variant_and_its_markers_outlive_a_lost_commit(
    start_service: StartService, service: Service, client: httpx.AsyncClient, database_url: str, tmp_path: Path
) -> None:
    """Two workers render the same variant; the second one's commit is lost."""
    png = VariantName.parse(url_of(await uploaded(client, CUP)).removeprefix("/"))
    assert png is not None
    drawn, webp, avif = tmp_path / "drawn", png.as_("webp"), png.as_("avif")
    drawn.write_bytes(b"a picture")
    staging, lightest = Staging(tmp_path / "staging"), Lightest(service.storage)
    async with proxied(database_url) as proxy, start_service(database_url=proxy.url, database_seconds=SECONDS) as cut:
        first, second = (Placing(each.database, service.storage, staging, max_bytes=100) for each in (service, cut))
        assert await first.put(webp, drawn, [avif])
        assert not await first.put(webp, drawn, [avif])
        proxy.next_commit = Commit.LOST
        with pytest.raises(DatabaseUnavailable):
            await second.put(webp, drawn, [avif])
        assert proxy.caught.is_set()
        assert await lightest.find(png, ["avif", "webp"]) == (webp, False)
        # What the lost commit was the first to store goes.
        proxy.next_commit = Commit.LOST
        with pytest.raises(DatabaseUnavailable):
            await second.put(png, drawn, [avif, webp])
        assert await lightest.find(png, ["avif", "webp"]) == (webp, False)
        assert not await service.storage.exists(png.blob)
