"""Verification reads every original again."""

import httpx

from image_service.images.upkeep.verify import OriginalState, Verified, verify
from tests.conftest import Service
from tests.images.blobs import file_of, shown


async def verified(service: Service) -> dict[int, OriginalState]:
    return {each.image_id: each.state async for each in verify(service.database, service.storage)}


async def test_whole_damaged_missing(shop: httpx.AsyncClient, empty: Service) -> None:
    assert await verified(empty) == {}
    images = [await shown(shop) for _ in range(4)]
    assert set((await verified(empty)).values()) == {OriginalState.WHOLE}
    files = [file_of(empty, original) for _, original, _ in images]

    content = bytearray(files[1].read_bytes())
    content[len(content) // 2] ^= 1
    files[1].write_bytes(content)
    files[2].unlink()
    files[3].write_bytes(files[3].read_bytes() + b"\0")
    found = [each async for each in verify(empty.database, empty.storage)]
    assert [each.state for each in found] == [
        OriginalState.WHOLE,
        OriginalState.DAMAGED,
        OriginalState.MISSING,
        OriginalState.DAMAGED,
    ]
    assert [(each.image_id, each.blob) for each in found] == [image[:2] for image in images]


async def test_one_that_cannot_be_read_does_not_hide_the_others(shop: httpx.AsyncClient, empty: Service) -> None:
    images = [await shown(shop) for _ in range(3)]
    unreadable = file_of(empty, images[1][1])
    unreadable.unlink()
    unreadable.symlink_to(unreadable)  # stands in for a bad sector: opening it fails, and not because it is missing
    assert list((await verified(empty)).values()) == [
        OriginalState.WHOLE,
        OriginalState.UNREADABLE,
        OriginalState.WHOLE,
    ]
    unreadable.unlink()


async def test_one_that_is_deleted_meanwhile_is_not_missing(shop: httpx.AsyncClient, empty: Service) -> None:
    images = [await shown(shop) for _ in range(3)]
    found: list[Verified] = []
    async for each in verify(empty.database, empty.storage, at_once=1):
        found.append(each)
        if len(found) == 1:
            id, original, _ = images[1]
            await shop.delete(f"/images/{id}")
            file_of(empty, original).unlink()
    assert [(each.image_id, each.state) for each in found] == [(image[0], OriginalState.WHOLE) for image in images[::2]]


async def test_one_that_is_replaced_meanwhile_is_not_missing(shop: httpx.AsyncClient, empty: Service) -> None:
    images = [await shown(shop) for _ in range(2)]
    states: list[OriginalState] = []
    async for each in verify(empty.database, empty.storage, at_once=1):
        states.append(each.state)
        if len(states) == 1:
            id, original, _ = images[1]
            content = file_of(empty, original).read_bytes()
            await shop.put(f"/products/1234/images/{id}", files={"file": ("again.png", content)})
            file_of(empty, original).unlink()
    assert states == [OriginalState.WHOLE]
