"""Bounds the bytes that wait in memory to be sent: what each connection has read and what its send buffer holds.

If they are too many, the connections that have stalled longest are closed, first of the client with the most bytes.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect

from image_service.edge.places import Connection, Places

log = structlog.get_logger()

LOOK_SECONDS = 0.05  # between two checks of waiting bytes; one takes 0.5 ms with 1,000 connections


class SendMemory:
    """The bytes that wait for all clients of a process."""

    def __init__(self, places: Places, most_bytes: int) -> None:
        self._places = places
        self._most_bytes = most_bytes
        self._backed_up: set[Connection] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._read: dict[Connection, int] = {}  # bytes read for it that may still wait
        self._waiting = 0  # sum of `_read`, plus the last check's count for others
        self._queue: dict[asyncio.Future[None], tuple[Connection, int]] = {}  # waiting for room

    @property
    def is_short(self) -> bool:
        """Memory is short: read nothing large now."""
        return self._waiting >= self._most_bytes

    @contextmanager
    def taken(self, connection: Connection, count: int) -> Iterator[None]:
        """Count bytes as read for it while the block runs."""
        self._take(connection, count)
        try:
            yield
        finally:
            self.give_back(connection, count)

    async def room(self, connection: Connection, count: int) -> None:
        """Wait until they fit, then take them. The client with the fewest connections comes first.

        Raises `ClientDisconnect` if the connection has ended.
        """
        if not self._places.has(connection):
            raise ClientDisconnect
        if not self._queue and self._fits(count):
            self._take(connection, count)
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue[turn] = connection, count
        self.look_soon()
        try:
            await turn
        except asyncio.CancelledError:
            if self._queue.pop(turn, None) is None:  # just let in
                self.give_back(connection, count)
            raise
        if not self._places.has(connection):
            self.give_back(connection, count)
            raise ClientDisconnect

    def give_back(self, connection: Connection, count: int) -> None:
        """The client has taken them, or never will."""
        left = self._read.pop(connection, 0) - count
        if left > 0:
            self._read[connection] = left
        self._waiting -= count + min(left, 0)
        self._let_in()

    def remove(self, connection: Connection) -> None:
        """It has ended: nothing waits for it any more."""
        self._backed_up.discard(connection)
        for turn in [turn for turn, asks in self._queue.items() if asks[0] is connection]:
            del self._queue[turn]
            if not turn.done():
                turn.set_result(None)
        self._waiting -= self._read.pop(connection, 0)
        self._let_in()

    def back_up(self, connection: Connection) -> None:
        """Its send buffer is full. If the total is too much, stalled connections are closed."""
        self._backed_up.add(connection)
        self.look_soon()

    def go_on(self, connection: Connection) -> None:
        """Its send buffer is free."""
        self._backed_up.discard(connection)
        if self.is_short:
            self.look_soon()

    def look_soon(self) -> None:
        """Check waiting bytes soon."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        for connection, _ in self._queue.values():
            if not connection.buffered:  # all is with the system; a piece sent in part is still held whole
                self._waiting -= self._read.pop(connection, 0)
        other = sum(each.buffered for each in self._backed_up if each not in self._read)
        self._waiting = sum(self._read.values()) + other
        asked = sum(count for _, count in self._queue.values())
        self._end_stalled(self._waiting + asked - self._most_bytes)
        self._let_in()
        if self._queue:
            self.look_soon()

    def _take(self, connection: Connection, count: int) -> None:
        self._read[connection] = self._read.get(connection, 0) + count
        self._waiting += count

    def _fits(self, count: int) -> bool:
        return self._waiting + count <= self._most_bytes or not self._waiting

    def _let_in(self) -> None:
        if not self._queue:
            return
        for turn, (connection, count) in sorted(
            self._queue.items(), key=lambda asks: self._places.count_of(asks[1][0].address)
        ):
            if not self._fits(count):
                return
            del self._queue[turn]
            if not turn.done():
                self._take(connection, count)
                turn.set_result(None)

    def _end_stalled(self, needed: int) -> None:
        """Until `needed` bytes are free: of the address with most waiting bytes, end the one stalled longest."""
        stalled: dict[str, list[Connection]] = {}
        for each in self._backed_up if needed > 0 else ():
            if each.stalled_since is not None:
                stalled.setdefault(each.address, []).append(each)
        for of_one in stalled.values():
            of_one.sort(key=lambda each: each.stalled_since or 0.0, reverse=True)
        bytes_of = {address: sum(map(self._held_by, of_one)) for address, of_one in stalled.items()}
        ended: Counter[str] = Counter()
        while needed > 0 and bytes_of:
            address = max(bytes_of, key=lambda one: bytes_of[one])
            worst = stalled[address].pop()
            count = self._held_by(worst)
            needed -= count
            bytes_of[address] -= count
            if not stalled[address]:
                del bytes_of[address]
            ended[address] += 1
            self._places.remove(worst)
            self.remove(worst)
            worst.give_way()
        for address, connections in ended.items():
            log.info("stalled connections closed: too much waits in memory", client=address, connections=connections)

    def _held_by(self, connection: Connection) -> int:
        return self._read.get(connection) or connection.buffered


@dataclass(frozen=True, slots=True)
class ClientMemory:
    """One connection's share of the memory."""

    memory: SendMemory
    connection: Connection

    @property
    def is_short(self) -> bool:
        return self.memory.is_short

    def taken(self, count: int) -> AbstractContextManager[None]:
        return self.memory.taken(self.connection, count)

    async def room(self, count: int) -> None:
        await self.memory.room(self.connection, count)

    def give_back(self, count: int) -> None:
        self.memory.give_back(self.connection, count)
