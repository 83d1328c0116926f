"""Sends the lists of a file concurrently, and counts the outcomes."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from image_service.cli.importing.service import NoAnswer, Refused
from image_service.cli.syncing.lists import ProductList
from image_service.cli.syncing.service import SyncService

REMOVED, FAILED = "removed", "failed"


@dataclass(frozen=True)
class Result:
    """One product's result."""

    list: ProductList
    images: int = 0  # in the gallery: before the sync for a plan, else after it
    receipts: Sequence[dict[str, Any]] = ()
    fault: str = ""  # why nothing was done

    @property
    def counts(self) -> Counter[str]:
        return Counter(each["outcome"] for each in self.receipts)

    def row(self, receipt: dict[str, Any]) -> int | None:
        index = receipt["index"]
        return self.list.rows[index] if index is not None else None

    def source(self, receipt: dict[str, Any]) -> str:
        """The source in the entry; for an image without an entry, its id."""
        if receipt["index"] is None:
            return str(receipt["id"])
        entry = self.list.entries[receipt["index"]]
        return str(entry.get("src") or entry.get("sha256") or entry.get("id"))


@dataclass
class Sums:
    products: int = 0
    unsent: int = 0  # products that were not synced
    images: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.products += 1
        self.unsent += bool(result.fault)
        self.images += result.images
        if not result.fault:
            self.outcomes += result.counts

    @property
    def has_failed(self) -> bool:
        return bool(self.unsent or self.outcomes[FAILED])


@dataclass(frozen=True)
class Sync:
    service: SyncService
    options: dict[str, Any]  # `missing`, `refetch`, `on_error`

    async def run(self, lists: Sequence[ProductList], tell: Callable[[Result], None], *, dry_run: bool) -> Sums:
        """Calls `tell` with each result, in the order of the lists. Raises `Stopped`."""
        sums = Sums()
        waiting = iter(lists)
        running: deque[asyncio.Task[Result]] = deque()
        try:
            while True:
                while len(running) < self.service.concurrency and (following := next(waiting, None)) is not None:
                    running.append(asyncio.create_task(self._one(following, dry_run=dry_run)))
                if not running:
                    return sums
                result = await running.popleft()
                sums.add(result)
                tell(result)
        finally:
            for each in running:
                each.cancel()

    async def _one(self, product: ProductList, *, dry_run: bool) -> Result:
        if product.faults:
            return Result(product, fault="; ".join(product.faults))
        try:
            number = product.product_id
            if number is None:
                number = await self.service.product_of(product.key or "", make=not dry_run)
            if number is None:  # the sync would create it, empty
                planned = [{"index": at, "id": None, **_of_new(entry)} for at, entry in enumerate(product.entries)]
                return Result(product, receipts=planned)
            body = {"images": product.entries, **self.options}
            answer = await self.service.sync(number, body, dry_run=dry_run)
        except Refused as error:
            return Result(product, fault=str(error))
        except NoAnswer as error:
            return Result(product, fault=f"no answer: {error}")
        stopped = answer["detail"] if "code" in answer else ""
        return Result(product, len(answer.get("images", [])), answer["receipts"], stopped)


def _of_new(entry: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"reason": None, "status": None}
    if "id" in entry:
        return {**told, "outcome": FAILED, "reason": "image_not_found"}
    return {**told, "outcome": "fetch" if "src" in entry else "copied"}
