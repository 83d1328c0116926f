"""Which connection gives way when there are as many as may be: one of the address that holds most.

One that takes its answer at a fair pace, or has a request under way, never does: a whole shop may be behind one
address. Of the others that which has been backed up longest goes, else that which has been idle longest.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Protocol

import structlog

from image_service.telemetry import metrics

log = structlog.get_logger()

QUIET_SECONDS = 60.0  # between two lines in the log about the same flood
LOOK_SECONDS = 0.05  # between two looks at what waits in memory: half a millisecond with a thousand connections
NEARLY_ALL = 0.75  # of the places, held by one address


class Connection(Protocol):
    address: str  # of the client, or its household
    idle_since: float  # monotonic seconds

    @property
    def is_idle(self) -> bool: ...  # no request of it is being answered

    @property
    def stalled_since(self) -> float | None: ...  # that it takes an answer slower than is fair; None: it does not

    @property
    def buffered(self) -> int: ...  # bytes that wait for it in memory

    def give_way(self) -> None: ...  # end at once


class Places:
    """All connections of a process."""

    def __init__(self, most: int, most_bytes: int) -> None:
        """`most` connections, and bytes that wait for clients in memory."""
        self._most = most
        self._most_bytes = most_bytes
        self._of: dict[str, set[Connection]] = {}
        self._backed_up: set[Connection] = set()
        self._count = 0
        self._warned_at = -QUIET_SECONDS
        self._looking: asyncio.TimerHandle | None = None
        self._room = asyncio.Event()
        self._room.set()

    @property
    def is_short(self) -> bool:
        """Of memory: nothing large should be read now, and all that waits is for clients who take it."""
        return not self._room.is_set()

    async def room(self) -> None:
        """Returns when they are not short."""
        await self._room.wait()

    @property
    def are_taken(self) -> bool:
        return self._count >= self._most

    def add(self, connection: Connection) -> bool:
        """Whether there is a place for it, where need be another's."""
        if self.are_taken and not self._make_room(connection.address):
            return False
        self._of.setdefault(connection.address, set()).add(connection)
        self._count += 1
        self._tell()
        return True

    def remove(self, connection: Connection) -> None:
        """Also of one that has no place."""
        self._backed_up.discard(connection)
        own = self._of.get(connection.address, set())
        if connection in own:
            own.remove(connection)
            self._count -= 1
            if not own:
                del self._of[connection.address]
            self._tell()

    def move(self, connection: Connection, address: str) -> None:
        """It speaks for another client now, as a proxy's connection does."""
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
        """More waits for it than it has taken. Where all together is too much, the stalled ones end."""
        self._backed_up.add(connection)
        self.look_soon()

    def look_soon(self) -> None:
        """At what waits in memory."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._looking = None
        waiting = sum(each.buffered for each in self._backed_up)
        while waiting > self._most_bytes and (worst := self._heaviest()) is not None:
            waiting -= worst.buffered
            log.info("a stalled connection ended: too much waits in memory", client=worst.address)
            self._end(worst)
        if waiting > self._most_bytes:
            self._room.clear()
        else:
            self._room.set()

    def go_on(self, connection: Connection) -> None:
        """It has taken what waited."""
        self._backed_up.discard(connection)
        if self.is_short:
            self.look_soon()

    def _make_room(self, newcomer: str) -> bool:
        """An address takes no place from one that holds fewer than it would."""
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

    def _heaviest(self) -> Connection | None:
        """The one stalled longest of the address for which most bytes wait."""
        bytes_of: dict[str, int] = {}
        stalled = [each for each in self._backed_up if each.stalled_since is not None]
        for each in stalled:
            bytes_of[each.address] = bytes_of.get(each.address, 0) + each.buffered
        if not stalled:
            return None
        address = max(bytes_of, key=lambda one: bytes_of[one])
        return _worst(each for each in stalled if each.address == address)

    def _warn(self, address: str, connections: set[Connection]) -> None:
        now = time.monotonic()
        if now - self._warned_at > QUIET_SECONDS:
            self._warned_at = now
            held = len(connections)
            log.warning("as many connections as may be", connections=self._most, client=address, held=held)
            if held >= NEARLY_ALL * self._most:
                log.warning("one address holds nearly all connections", client=address, held=held)

    def _tell(self) -> None:
        metrics.CONNECTIONS.set(self._count)
        metrics.CONNECTIONS_OF_ONE.set(max(map(len, self._of.values()), default=0))


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
