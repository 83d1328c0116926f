"""Places shared by stores: a store takes at most half of what the others leave, and waiting stores take turns."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from image_service.errors import Busy


@dataclass(frozen=True)
class Owner:
    """The holder of a place. Tickets are used by untrusted clients, so each has a share of its store's share."""

    store_id: int
    ticket: UUID | None = None
    files: int = 0  # the ticket's number of files, its most places


NOBODY = Owner(0)


class Shares:
    """Fair places. Of 64, the first store may hold 32, the next 16, and so on: one is always left.

    A ticket holds at most a quarter of its store's share. Waiting stores take turns.
    """

    def __init__(self, places: int) -> None:
        self._places = places
        self._held = 0
        self._of_store: Counter[int] = Counter()
        self._of_ticket: Counter[UUID] = Counter()
        self._waiting: OrderedDict[int, list[tuple[Owner, asyncio.Future[None]]]] = OrderedDict()

    @asynccontextmanager
    async def place(self, owner: Owner, wait: float, what: str) -> AsyncIterator[None]:
        """Raises `Busy` (too many of `what`) if no place is free within `wait` seconds."""
        release = await self.take(owner, wait, what)
        try:
            yield
        finally:
            release()

    async def take(self, owner: Owner, wait: float, what: str) -> Callable[[], None]:
        """Take a place. Call the returned function once to release it. Raises `Busy`."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner.store_id, []).append((owner, turn))
        self._hand_out()
        try:
            async with asyncio.timeout(wait):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self._release(owner)  # granted just as the caller gave up
            else:
                self._forget(owner, turn)
            if isinstance(error, TimeoutError):
                raise Busy(f"too many {what} at once") from None
            raise
        return lambda: self._release(owner)

    def _may(self, owner: Owner) -> bool:
        own = self._of_store[owner.store_id]
        share = max(1, (self._places - (self._held - own)) // 2)
        if owner.ticket is not None and self._of_ticket[owner.ticket] >= max(1, min(owner.files, share // 4)):
            return False
        return own < share

    def _hand_out(self) -> None:
        while self._held < self._places and (found := self._next()) is not None:
            owner, turn = found
            self._forget(owner, turn, behind_the_others=True)
            if not turn.done():  # else the caller has just given up
                self._held += 1
                self._of_store[owner.store_id] += 1
                if owner.ticket is not None:
                    self._of_ticket[owner.ticket] += 1
                turn.set_result(None)

    def _next(self) -> tuple[Owner, asyncio.Future[None]] | None:
        return next((each for queue in self._waiting.values() for each in queue if self._may(each[0])), None)

    def _forget(self, owner: Owner, turn: asyncio.Future[None], *, behind_the_others: bool = False) -> None:
        queue = self._waiting.get(owner.store_id, [])
        if (owner, turn) in queue:
            queue.remove((owner, turn))
            if not queue:
                del self._waiting[owner.store_id]
            elif behind_the_others:
                self._waiting.move_to_end(owner.store_id)

    def _release(self, owner: Owner) -> None:
        self._held -= 1
        self._of_store[owner.store_id] -= 1
        if not self._of_store[owner.store_id]:
            del self._of_store[owner.store_id]
        if owner.ticket is not None:
            self._of_ticket[owner.ticket] -= 1
            if not self._of_ticket[owner.ticket]:
                del self._of_ticket[owner.ticket]
        self._hand_out()
