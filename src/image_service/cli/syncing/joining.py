"""Joins the lists of a product that some rows name by its id, and others by its key."""

import asyncio
from collections.abc import Sequence

from image_service.cli.importing.service import NoAnswer, Refused
from image_service.cli.syncing.lists import ProductList
from image_service.cli.syncing.service import SyncService


async def joined(service: SyncService, lists: Sequence[ProductList]) -> list[ProductList]:
    """One list for each product: of two, the later would remove what the earlier has added.

    Looks up the keys only if there are ids too. Raises `Stopped`, and `ValueError` if a key cannot be looked up.
    """
    keys = [each.key for each in lists if each.key is not None]
    if not keys or len(keys) == len(lists):
        return list(lists)
    numbers = dict(zip(keys, await _numbers(service, keys), strict=True))
    found: list[ProductList] = []
    by_number: dict[int, ProductList] = {}
    for each in lists:
        number = each.product_id if each.key is None else numbers[each.key]
        if number is not None and number in by_number:
            by_number[number].take(each, number)
            continue
        found.append(each)
        if number is not None:
            by_number[number] = each
    return found


async def _numbers(service: SyncService, keys: Sequence[str]) -> list[int | None]:
    """None for a key of no product, or one that the service refuses: the sync of its list says why."""
    places = asyncio.Semaphore(service.concurrency)

    async def one(key: str) -> int | None:
        async with places:
            try:
                return await service.product_of(key, make=False)
            except Refused:
                return None
            except NoAnswer as error:
                raise ValueError(f"product {key} cannot be looked up: {error}; nothing was done") from None

    tasks = [asyncio.create_task(one(key)) for key in keys]
    try:
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
