"""Repeats where the database is lost in mid-commit: whatever has become of the first, there is one image."""

import asyncio
from uuid import uuid4

import httpx
import pytest

from image_service.stores.registry import NewStore
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
