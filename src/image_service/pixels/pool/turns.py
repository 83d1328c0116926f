"""Whose turn it is at the pixel processes."""

import asyncio
from collections import deque

URGENT_IN_A_ROW = 3  # then one of the others, so that a night of imports does not stop all drawing


class Turns:
    """Places for so many at a time, in the order asked; the urgent first, but not for ever.

    A shop page asks for 250 cold pictures at once, and needs no token for it: an upload does not wait behind them.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._urgent: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._in_a_row = 0

    async def acquire(self, *, urgent: bool) -> None:
        """Returns when it is the caller's turn, who then calls `release`."""
        if self._free:
            self._free -= 1
            return
        queue = self._urgent if urgent else self._others
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self.release()  # it came just when its caller gave up
            elif turn in queue:  # or `release` has just passed it over
                queue.remove(turn)
            raise

    def release(self) -> None:
        urgent_first = self._in_a_row < URGENT_IN_A_ROW or not self._others
        for queue in (self._urgent, self._others) if urgent_first else (self._others, self._urgent):
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    self._in_a_row = self._in_a_row + 1 if queue is self._urgent else 0
                    turn.set_result(None)
                    return
        self._free += 1
