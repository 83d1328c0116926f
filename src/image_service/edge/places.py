"""Closes a connection when the limit is reached: one of the address that holds most.

Never one that reads its answer at a fair pace or has a request under way: a whole shop may share one address. Of the
others, the one stalled longest is closed, else the one idle longest.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import structlog
from starlette.requests import ClientDisconnect

from image_service.telemetry import metrics

log = structlog.get_logger()

QUIET_SECONDS = 60.0  # between two log lines about the same flood
LOOK_SECONDS = 0.05  # between two checks of waiting bytes; one takes 0.5 ms with 1,000 connections
NEARLY_ALL = 0.75  # share of places that one address holds


class Connection(Protocol):
    address: str  # the client's, or its /64
    idle_since: float  # monotonic seconds

    @property
    def is_idle(self) -> bool: ...  # no request is being answered

    @property
    def stalled_since(self) -> float | None: ...  # reading slower than the fair pace since; None: it is not

    @property
    def buffered(self) -> int: ...  # bytes waiting in memory

    def give_way(self) -> None: ...  # close now


class Places:
    """All connections of a process."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """The limits: `most` connections, `most_bytes` waiting in memory."""
        self._most = most
        self._most_bytes = most_bytes
        self._of: dict[str, set[Connection]] = {}
        self._backed_up: set[Connection] = set()
        self._count = 0
        self._warned_at = -QUIET_SECONDS
        self._looking: asyncio.TimerHandle | None = None
        self._read: dict[Connection, int] = {}  # bytes read for it that may still wait
        self._waiting = 0  # sum of `_read`, plus the last check's count for others
        self._queue: dict[asyncio.Future[None], tuple[Connection, int]] = {}  # waiting for room

    @property
    def is_short(self) -> bool:
        """Memory is short: read nothing large now."""
        return self._waiting >= self._most_bytes

    def take(self, connection: Connection, count: int) -> None:
        """Count bytes as read for it, until `give_back`."""
        self._read[connection] = self._read.get(connection, 0) + count
        self._waiting += count

    async def room(self, connection: Connection, count: int) -> None:
        """Wait until they fit, then take them. The client with the fewest connections comes first.

        Raises `ClientDisconnect` if the connection has ended.
        """
        if not self._has(connection):
            raise ClientDisconnect
        if not self._queue and self._fits(count):
            self.take(connection, count)
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
        if not self._has(connection):
            self.give_back(connection, count)
            raise ClientDisconnect

    def _has(self, connection: Connection) -> bool:
        return connection in self._of.get(connection.address, ())

    def give_back(self, connection: Connection, count: int) -> None:
        """The client has taken them, or never will."""
        left = self._read.pop(connection, 0) - count
        if left > 0:
            self._read[connection] = left
        self._waiting -= count + min(left, 0)
        self._let_in()

    @property
    def are_taken(self) -> bool:
        return self._count >= self._most

    def add(self, connection: Connection) -> bool:
        """Add it, if need be in another's place. False: no place."""
        if self.are_taken and not self._make_room(connection.address):
            return False
        self._of.setdefault(connection.address, set()).add(connection)
        self._count += 1
        self._tell()
        return True

    def remove(self, connection: Connection) -> None:
        """Also for one without a place."""
        self._backed_up.discard(connection)
        for turn in [turn for turn, asks in self._queue.items() if asks[0] is connection]:
            del self._queue[turn]
            if not turn.done():
                turn.set_result(None)
        own = self._of.get(connection.address, set())
        if connection in own:
            own.remove(connection)
            self._count -= 1
            if not own:
                del self._of[connection.address]
            self._tell()

    def move(self, connection: Connection, address: str) -> None:
        """The connection, a proxy's, now serves another client."""
        if address != connection.address:
            own = self._of.get(connection.address, set())
            if connection in own:
                own.remove(connection)
                if not own:
                    del self._of[connection.address]
                self._of.setdefault(address, set()).add(connection)
            connection.address = address
            self._tell()

    def back_up(self, connection: Connection) -> None:
        """Its send buffer is full. If the total is too much, stalled connections are closed."""
        self._backed_up.add(connection)
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

    def _fits(self, count: int) -> bool:
        return self._waiting + count <= self._most_bytes or not self._waiting

    def _let_in(self) -> None:
        if not self._queue:
            return
        for turn, (connection, count) in sorted(
            self._queue.items(), key=lambda asks: len(self._of.get(asks[1][0].address, ()))
        ):
            if not self._fits(count):
                return
            del self._queue[turn]
            if not turn.done():
                self.take(connection, count)
                turn.set_result(None)

    def go_on(self, connection: Connection) -> None:
        """Its send buffer is free."""
        self._backed_up.discard(connection)
        if self.is_short:
            self.look_soon()

    def _make_room(self, newcomer: str) -> bool:
        """Never take a place from an address that holds fewer."""
        least = len(self._of.get(newcomer, ())) + 1
        holders = sorted(self._of.items(), key=lambda each: -len(each[1]))
        self._warn(*holders[0])
        for address, connections in holders:
            if len(connections) < least and address != newcomer:
                continue
            if (worst := _worst(connections)) is not None:
                self._end(worst)
                return True
        return False

    def _end(self, connection: Connection) -> None:
        self.remove(connection)
        connection.give_way()

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
            self._end(worst)
        for address, connections in ended.items():
            log.info("stalled connections closed: too much waits in memory", client=address, connections=connections)

    def _held_by(self, connection: Connection) -> int:
        return self._read.get(connection) or connection.buffered

    def _warn(self, address: str, connections: set[Connection]) -> None:
        now = time.monotonic()
        if now - self._warned_at > QUIET_SECONDS:
            self._warned_at = now
            held = len(connections)
            log.warning("connection limit reached", connections=self._most, client=address, held=held)
            if held >= NEARLY_ALL * self._most:
                log.warning("one address holds most connections", client=address, held=held)

    def _tell(self) -> None:
        metrics.CONNECTIONS.set(self._count)
        metrics.CONNECTIONS_OF_ONE.set(max(map(len, self._of.values()), default=0))


@dataclass(frozen=True, slots=True)
class ClientMemory:
    """One connection's share of the memory in `Places`."""

    places: Places
    connection: Connection

    @property
    def is_short(self) -> bool:
        return self.places.is_short

    def take(self, count: int) -> None:
        self.places.take(self.connection, count)

    async def room(self, count: int) -> None:
        await self.places.room(self.connection, count)

    def give_back(self, count: int) -> None:
        self.places.give_back(self.connection, count)


def _worst(connections: Iterable[Connection]) -> Connection | None:
    idle: Connection | None = None
    stalled: tuple[float, Connection] | None = None
    for each in connections:
        since = each.stalled_since
        if since is not None and (stalled is None or since < stalled[0]):
            stalled = since, each
        if each.is_idle and (idle is None or each.idle_since < idle.idle_since):
            idle = each
    return stalled[1] if stalled is not None else idle
