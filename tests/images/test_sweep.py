"""The sweep takes what nobody needs any more, and nothing else."""

import asyncio

import httpx
import pytest
from sqlalchemy import insert
from sqlmodel import select

from image_service.errors import InstanceMismatch
from image_service.images.models import ImageRow, TrashRow
from image_service.images.upkeep.audit import SweepRefused
from image_service.images.upkeep.sweep import Swept
from image_service.storage.names import new_key
from tests.conftest import Service
from tests.images import blobs
from tests.images.blobs import INSTANCE, OLD, YOUNG, age, file_of, names, put, put_stray, shown, sweep
from tests.shop import added, order

NOTHING = Swept(staged=0, trash=0, strays=0, variants=0)


async def test_what_a_row_names_stays_however_old(shop: httpx.AsyncClient, empty: Service) -> None:
    images = [await shown(shop) for _ in range(3)]
    everything = await names(empty)
    for name in everything:
        age(file_of(empty, name), OLD)
    assert await sweep(empty, force=True) == NOTHING
    assert await names(empty) == everything
    assert everything == {INSTANCE} | {name for image in images for name in image[1:]}


# --- trash ---


async def test_trash_goes_after_its_day(shop: httpx.AsyncClient, empty: Service) -> None:
    id, original, _ = await shown(shop)
    await shop.delete(f"/images/{id}")
    age(file_of(empty, original), OLD)
    await blobs.age_trash(empty, OLD)
    assert await sweep(empty) == Swept(staged=0, trash=1, strays=0, variants=0)
    assert await names(empty) == {INSTANCE}
    assert await blobs.trash_count(empty) == 0
    assert await sweep(empty) == NOTHING


async def test_trash_stays_for_its_day(shop: httpx.AsyncClient, empty: Service) -> None:
    id, original, _ = await shown(shop)
    await shop.delete(f"/images/{id}")
    age(file_of(empty, original), OLD)  # it was uploaded long ago, and deleted just now
    await blobs.age_trash(empty, YOUNG)
    assert await sweep(empty) == NOTHING
    assert await names(empty) == {INSTANCE, original}
    assert await blobs.trash_count(empty) == 1


async def test_replaced_bytes_are_trash_and_the_new_ones_are_not(shop: httpx.AsyncClient, empty: Service) -> None:
    id, old, _ = await shown(shop)
    await shop.put(f"/products/1234/images/{id}", files={"file": ("new.png", (await _original(shop, id)))})
    [new] = await names(empty) - {INSTANCE, old}
    await blobs.age_trash(empty, OLD)
    assert (await sweep(empty)).trash == 1
    assert await names(empty) == {INSTANCE, new}


async def test_variants_of_a_deleted_image_go_at_once(shop: httpx.AsyncClient, empty: Service) -> None:
    """Where the blob store could not be reached when the image was deleted."""
    id, original, variant = await shown(shop)
    await shop.delete(f"/images/{id}")
    await put(empty, variant, YOUNG)
    assert await sweep(empty) == Swept(staged=0, trash=0, strays=0, variants=1)
    assert await names(empty) == {INSTANCE, original}


async def test_what_an_image_has_is_no_trash(shop: httpx.AsyncClient, empty: Service) -> None:
    """It never happens; if it ever does, bytes count for more."""
    _, original, variant = await shown(shop)
    async with empty.database.transaction() as session:
        mine = select(ImageRow.key, ImageRow.store_id, ImageRow.slug)
        await session.exec(insert(TrashRow).from_select(["key", "store_id", "slug"], mine))
    await blobs.age_trash(empty, OLD)
    assert await sweep(empty) == await sweep(empty, dry_run=True) == NOTHING
    assert await names(empty) == {INSTANCE, original, variant}


# --- what no row names ---


async def test_strays_go_when_no_upload_can_name_them_any_more(shop: httpx.AsyncClient, empty: Service) -> None:
    await asyncio.gather(*(added(shop) for _ in range(19)))
    kept = await names(empty)
    await put_stray(empty, OLD)
    young = await put_stray(empty, YOUNG)
    everything = await names(empty)
    assert await sweep(empty) == Swept(staged=0, trash=0, strays=1, variants=0)
    assert await sweep(empty) == NOTHING
    assert await names(empty) == everything  # for a day more
    await blobs.age_trash(empty, OLD)
    assert await sweep(empty) == Swept(staged=0, trash=1, strays=0, variants=0)
    assert await names(empty) == {*kept, young}
    assert len(await order(shop)) == 19


async def test_more_than_one_in_twenty_is_refused(shop: httpx.AsyncClient, empty: Service) -> None:
    await asyncio.gather(*(added(shop) for _ in range(18)))
    kept = await names(empty)
    for _ in range(2):
        await put_stray(empty, OLD)
    await put(empty, "tmp/half", OLD)
    everything = await names(empty)
    for dry_run in (True, False):
        with pytest.raises(SweepRefused, match="2 of 20 originals"):
            await sweep(empty, dry_run=dry_run)
    assert await names(empty) == everything
    assert await sweep(empty, force=True) == Swept(staged=1, trash=0, strays=2, variants=0)
    await blobs.age_trash(empty, OLD)
    assert await sweep(empty) == Swept(staged=0, trash=2, strays=0, variants=0)
    assert await names(empty) == kept


async def test_one_in_twenty_is_counted_over_a_day(shop: httpx.AsyncClient, empty: Service) -> None:
    """A few every hour are as many in the end."""
    await asyncio.gather(*(added(shop) for _ in range(38)))
    await put_stray(empty, OLD)
    assert (await sweep(empty)).strays == 1
    await put_stray(empty, OLD)
    assert (await sweep(empty)).strays == 1
    await put_stray(empty, OLD)
    with pytest.raises(SweepRefused, match="3 of 41 originals"):
        await sweep(empty)


async def test_variants_without_an_image_go(shop: httpx.AsyncClient, empty: Service) -> None:
    _, original, variant = await shown(shop)
    key = variant.rsplit("-", 3)[1]
    await put(empty, variant.replace(key, new_key()), OLD)
    assert await sweep(empty) == Swept(staged=0, trash=0, strays=0, variants=1)
    assert await names(empty) == {INSTANCE, original, variant}


async def test_what_is_none_of_ours_is_left_alone(empty: Service) -> None:
    others = {
        await put(empty, name, OLD)
        for name in (
            "private/notes",
            "private/ab/cd",
            f"private/zz/{new_key()}",
            "public/robots.txt",
            "public/stores/a",
        )
    }
    assert await sweep(empty, force=True) == NOTHING
    assert await names(empty) == {INSTANCE, *others}


# --- what was cut short ---


async def test_what_was_cut_short_goes_after_a_day(empty: Service) -> None:
    await put(empty, "tmp/old", OLD)
    young = await put(empty, "tmp/young", YOUNG)
    staging = empty.settings.data_dir / "staging"
    for name, by in (("old", OLD), ("young", YOUNG)):
        (staging / name).write_bytes(b"half a picture")
        age(staging / name, by)
    assert await sweep(empty) == Swept(staged=2, trash=0, strays=0, variants=0)
    assert await names(empty) == {INSTANCE, young}
    assert [path.name for path in staging.iterdir()] == ["young"]
    (staging / "young").unlink()


# --- caution ---


async def test_a_dry_run_counts_the_same_and_removes_nothing(shop: httpx.AsyncClient, empty: Service) -> None:
    id, _, variant = await shown(shop)
    await shown(shop)
    await shop.delete(f"/images/{id}")
    await blobs.age_trash(empty, OLD)
    await put(empty, variant, OLD)
    await put_stray(empty, OLD)
    await put(empty, "tmp/old", OLD)
    staged = empty.settings.data_dir / "staging" / "old"
    staged.write_bytes(b"half a picture")
    age(staged, OLD)
    before = await names(empty)

    counted = await sweep(empty, dry_run=True, force=True)
    assert counted == Swept(staged=2, trash=1, strays=1, variants=1)
    assert (await names(empty), staged.exists(), await blobs.trash_count(empty)) == (before, True, 1)
    assert await sweep(empty, force=True) == counted
    assert len(before - await names(empty)) == 3  # the stray is in the trash by now
    assert not staged.exists()


async def test_another_installations_blobs_are_not_touched(empty: Service, service: Service) -> None:
    """The rows of one, the blobs of the other."""
    await put_stray(empty, OLD)
    before = await names(empty)
    mixed = Service(empty.app, empty.settings, service.database, empty.storage)
    for options in ({}, {"dry_run": True}, {"force": True}):
        with pytest.raises(InstanceMismatch):
            await sweep(mixed, **options)
    assert await names(empty) == before


async def test_blobs_that_say_nothing_of_whose_they_are_are_not_touched(empty: Service) -> None:
    identity = file_of(empty, INSTANCE)
    written = identity.read_bytes()
    stray = await put_stray(empty, OLD)
    try:
        identity.unlink()
        with pytest.raises(InstanceMismatch):
            await sweep(empty, force=True)
        identity.write_bytes(b"nonsense \xff")
        with pytest.raises(InstanceMismatch):
            await sweep(empty, force=True)
        assert await names(empty) == {INSTANCE, stray}
    finally:
        identity.write_bytes(written)


async def _original(shop: httpx.AsyncClient, id: int) -> bytes:
    return (await shop.get(f"/images/{id}/original")).content
