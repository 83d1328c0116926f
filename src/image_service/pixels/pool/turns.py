"""Decides which job gets the next pixel process."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

CHECKS_IN_A_ROW = 3  # then a render, so that long imports do not block all renders
UPLOADS_TO_ONE_LATER = 7  # checks of uploads; then a background job's check, if one waits
CHEAP_IN_A_ROW = 8  # then a dear render, if one may begin


class Job(IntEnum):
    CHECK = 0
    LATER = 1  # a check for a background job: no request waits for it
    CHEAP = 2  # to render
    DEAR = 3  # to render, for seconds


CHECKS = (Job.CHECK, Job.LATER)


class Jobs:
    """Counts jobs. The event `none` is set while there are none."""

    def __init__(self) -> None:
        self._count = 0
        self.none = asyncio.Event()
        self.none.set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._count += 1
        self.none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if not self._count:
                self.none.set()


class Turns:
    """A priority queue for `places`. The order is: checks of uploads, checks of background jobs, cheap renders, dear
    renders. None starves: while such jobs wait, one of eight checks is a background job's, one of four turns is a
    render's, one of nine renders is dear.

    A shop page requests 250 uncached pictures at once, without a token. Uploads do not wait behind them. Within a
    kind, the owners (stores) take turns, each in its own order. Dear renders never hold the last place, unless it is
    the only one: they take 10 to 30 seconds, and other jobs arrive meanwhile.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self.dear_places = max(1, places - 1)
        self._dear = 0  # dear renders that are running
        self._waiting = {job: _Waiting() for job in Job}
        self._checks_in_a_row = self._uploads_in_a_row = self._cheap_in_a_row = 0

    async def acquire(self, job: Job, owner: int = 0) -> None:
        """Wait for the caller's turn. The caller must then call `release`."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting[job].add(owner, turn)
        self._hand_out()
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release(job)  # the turn came just as the caller was cancelled
            else:
                self._waiting[job].remove(owner, turn)
            raise

    def release(self, job: Job) -> None:
        self._free += 1
        self._dear -= job is Job.DEAR
        self._hand_out()

    def _hand_out(self) -> None:
        while self._free and (job := self._next()) is not None:
            turn = self._waiting[job].pop()
            if turn.done():
                continue  # its caller was just cancelled
            self._free -= 1
            self._dear += job is Job.DEAR
            self._checks_in_a_row = self._checks_in_a_row + 1 if job in CHECKS else 0
            if job in CHECKS:
                self._uploads_in_a_row = self._uploads_in_a_row + 1 if job is Job.CHECK else 0
            else:
                self._cheap_in_a_row = self._cheap_in_a_row + 1 if job is Job.CHEAP else 0
            turn.set_result(None)

    def _next(self) -> Job | None:
        """Return the first kind with a waiting job that may begin, or a later kind if the first has used up its row."""
        able = [job for job in Job if self._waiting[job] and (job is not Job.DEAR or self._dear < self.dear_places)]
        renders = [job for job in able if job not in CHECKS]
        if renders and self._checks_in_a_row >= CHECKS_IN_A_ROW:
            able = renders
        if able[:2] == [*CHECKS] and self._uploads_in_a_row >= UPLOADS_TO_ONE_LATER:
            able = able[1:]
        if len(able) > 1 and able[0] is Job.CHEAP and self._cheap_in_a_row >= CHEAP_IN_A_ROW:
            able = able[1:]
        return able[0] if able else None


class _Waiting:
    """The waiting jobs of one kind, by owner. Owners are in the order of their turns."""

    def __init__(self) -> None:
        self._queues: OrderedDict[int, deque[asyncio.Future[None]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._queues)

    def add(self, owner: int, turn: asyncio.Future[None]) -> None:
        self._queues.setdefault(owner, deque()).append(turn)

    def pop(self) -> asyncio.Future[None]:
        owner, queue = self._queues.popitem(last=False)
        turn = queue.popleft()
        if queue:
            self._queues[owner] = queue  # behind all others
        return turn

    def remove(self, owner: int, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(owner)
        if queue is not None and turn in queue:  # else `_hand_out` has just skipped it
            queue.remove(turn)
            if not queue:
                del self._queues[owner]
