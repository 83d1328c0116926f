"""Before a variant is rendered: may it wait for a pixel process, and is an equal one being rendered already?"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import NamedTuple

from image_service.errors import Busy
from image_service.pixels.picture import Format
from image_service.pixels.pool.costs import DEAR_SECONDS
from image_service.pixels.pool.pool import PixelPool
from image_service.storage.names import VariantName

SURE = 0.75  # of the allowed wait: a request expected to wait longer may well time out

TYPICAL_SECONDS = 0.1  # of a cheap render


class UnderWay:
    """A requested variant, from its look-up to its end."""

    task: asyncio.Task[VariantName]

    def __init__(self, arrive: Callable[[], None]) -> None:
        self.askers = 0
        self.is_waiting = False  # for an equal one, or for a pixel process
        self.arrive = arrive  # to be called once it has joined a render or failed: see `SharedRenders.announced`

    def begin(self) -> None:
        self.is_waiting = False


class Admission:
    """Refuses a request at once if it would wait too long.

    Counts renders that wait for a pixel process or have one. A name not yet found in the database does not count:
    clients can invent any number of them.
    """

    def __init__(self, pixels: PixelPool, draw_wait: float) -> None:
        self._pixels = pixels
        self._draw_wait = draw_wait
        self._cheap = _Renders()
        self._dear = _Renders()

    def require_short_wait(self, store_id: int, estimated: float = 0.0) -> None:
        """Raises `Busy`. Dear renders wait behind the cheap ones too, cheap ones only behind each other."""
        is_dear = estimated >= DEAR_SECONDS
        before = self._cheap.total + self._dear.before(store_id) if is_dear else self._cheap.before(store_id)
        if self._pixels.expected_wait(before, dear=is_dear) > SURE * self._draw_wait:
            raise Busy("too many pictures wait to be rendered")

    @contextmanager
    def counted(self, store_id: int, estimated: float) -> Iterator[None]:
        """Use it around reading the original and rendering. Raises `Busy`."""
        self.require_short_wait(store_id, estimated)
        with (self._dear if estimated >= DEAR_SECONDS else self._cheap).counted(store_id, estimated):
            yield


class _Renders:
    """Estimated seconds of renders under way, by store."""

    def __init__(self) -> None:
        self._of: dict[int, Counter[float]] = {}

    @contextmanager
    def counted(self, store_id: int, estimated: float) -> Iterator[None]:
        own = self._of.setdefault(store_id, Counter())
        own[estimated] += 1
        try:
            yield
        finally:
            own[estimated] -= 1
            own += Counter()  # drops zero counts
            if not own:
                self._of.pop(store_id, None)

    def before(self, store_id: int) -> float:
        """Seconds that one more of this store waits: for its own, and for other stores' that take turns with them."""
        own = self._sum(store_id)
        turns = (min(self._sum(other), own + TYPICAL_SECONDS) for other in self._of if other != store_id)
        return own + sum(turns)

    @property
    def total(self) -> float:
        return sum(map(self._sum, self._of))

    def _sum(self, store_id: int) -> float:
        return sum(estimated * count for estimated, count in self._of.get(store_id, {}).items())


class Looks(NamedTuple):
    """What decides how a variant looks: two variants with equal values have equal bytes, under any name of a size."""

    key: str
    format: Format
    width: int
    height: int


class _Turn:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0
        self.busy: Busy | None = None  # why the last one got no pixel process


class Equals:
    """Variants that look the same are rendered one at a time: the next ones copy the first."""

    def __init__(self) -> None:
        self._turns: dict[Looks, _Turn] = {}

    @asynccontextmanager
    async def alone(self, looks: Looks, under_way: UnderWay) -> AsyncIterator[None]:
        """Raises `Busy` if no client is left, or if the previous request got `Busy`: waiting as long again would not
        help.
        """
        turn = self._turns.setdefault(looks, _Turn())
        turn.users += 1
        try:
            await self._acquire(turn, under_way)
            try:
                yield
            except Busy as busy:
                turn.busy = busy
                raise
            finally:
                turn.lock.release()
        finally:
            turn.users -= 1
            if not turn.users:
                self._turns.pop(looks, None)

    async def _acquire(self, turn: _Turn, under_way: UnderWay) -> None:
        under_way.is_waiting = True
        if not under_way.askers:
            raise Busy("no client waits for it any more")
        if turn.lock.locked():
            under_way.arrive()
        try:
            await turn.lock.acquire()
        finally:
            under_way.is_waiting = False
        if turn.busy is not None:
            turn.lock.release()
            raise Busy(str(turn.busy))
