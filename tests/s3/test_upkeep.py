"""Verification and sweep where the bytes are in S3."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import httpx
from sqlalchemy import func, literal, update

from image_service.images import instance
from image_service.images.models import ImageRow
from image_service.images.upkeep.sweep import Swept
from image_service.images.upkeep.verify import OriginalState, verify
from image_service.storage.base import BlobHeaders
from tests.conftest import Service
from tests.images.blobs import INSTANCE, OLD, YOUNG, age_trash, names, shown, staging_of, sweep
from tests.shop import added


async def test_whole_damaged_missing(shop: httpx.AsyncClient, service: Service) -> None:
    """By the checksum that was sent with an object, and by its bytes where there is none or another."""
    images = [await shown(shop) for _ in range(6)]
    content = (await shop.get(f"/images/{images[0][0]}/original")).content
    sha256 = hashlib.sha256(content).hexdigest()

    async def becomes(image: int, content: bytes, sha256: str | None) -> None:
        name = images[image][1]
        await service.storage.delete([name])
        async with staging_of(service).file() as path:
            path.write_bytes(content)
            await service.storage.put(name, path, BlobHeaders("image/png", sha256=sha256))

    await becomes(1, b"not the picture", None)
    await becomes(2, content, None)  # as the version before wrote it
    await becomes(3, content + b"more", sha256)
    await becomes(4, bytes(len(content)), sha256)  # what a checksum cannot show: the bucket's own damage
    await service.storage.delete([images[5][1]])
    whole, damaged, missing = OriginalState.WHOLE, OriginalState.DAMAGED, OriginalState.MISSING
    found = [(each.state, each.read) async for each in verify(service.database, service.storage)]
    assert found == [(whole, False), (damaged, True), (whole, True), (damaged, True), (whole, False), (missing, False)]
    found = [(each.state, each.read) async for each in verify(service.database, service.storage, read=True)]
    assert found == [(whole, True), (damaged, True), (whole, True), (damaged, True), (damaged, True), (missing, True)]
    for id, _, _ in images:
        await shop.delete(f"/images/{id}")


async def test_what_nobody_needs_goes_and_the_rest_stays(shop: httpx.AsyncClient, service: Service) -> None:
    await age_trash(service, OLD)
    await sweep(service, force=True)
    assert await names(service) == {INSTANCE}
    kept, gone = await shown(shop), await shown(shop)
    await shop.delete(f"/images/{gone[0]}")
    assert await names(service) == {INSTANCE, *kept[1:], gone[1]}  # the variant went at once
    await age_trash(service, YOUNG)
    nothing = Swept(staged=0, trash=0, strays=0, variants=0)
    assert await sweep(service) == nothing
    await age_trash(service, OLD)
    assert await sweep(service) == replace(nothing, trash=1)
    assert await names(service) == {INSTANCE, *kept[1:]}


async def test_a_store_goes_with_its_variants(shop: httpx.AsyncClient, service: Service) -> None:
    image = await added(shop)
    for size in ("50-0", "100-0", "640-0"):
        url = image["src"].replace("640-0", size)
        assert (await shop.get(httpx.URL(url).path)).status_code == 200
    assert len([name for name in await names(service) if image["src"].rsplit("-", 3)[1] in name]) == 4
    await shop.delete(f"/images/{image['id']}")
    assert len([name for name in await names(service) if image["src"].rsplit("-", 3)[1] in name]) == 1


async def test_what_sweeps_keep_in_mind_is_written_again(shop: httpx.AsyncClient, service: Service) -> None:
    """As nothing else under `private/` is: a bucket's own rule against that must not stand in the way."""
    image = await added(shop)
    await sweep(service, force=True)
    for days in (2, 3):
        async with service.database.transaction() as session:
            other = await added(shop)
            await session.exec(update(ImageRow).values(created_at=func.now() - literal(timedelta(days=days))))
        await sweep(service, audit=False)
        assert (await instance.is_as_left(service.database, service.storage))[1]
        assert other["id"] > image["id"]
