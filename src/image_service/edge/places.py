"""At the connection limit, closes a connection of the client with the most.

Never one that reads its answer at a fair pace or has a request under way: a whole shop may share one address. Of the
others, the one stalled longest is closed, else the one idle longest.
"""

import time
from collections.abc import Iterable
from typing import Protocol

import structlog

from image_service.telemetry import metrics

log = structlog.get_logger()

QUIET_SECONDS = 60.0  # between two log lines about the same flood
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

    def give_way(self) -> None: ...  # leave its place and its memory, and close now


class Places:
    """All connections of a process."""

    def __init__(self, most: int) -> None:
        """`most` connections."""
        self._most = most
        self._of: dict[str, set[Connection]] = {}
        self._count = 0
        self._warned_at = -QUIET_SECONDS

    def has(self, connection: Connection) -> bool:
        return connection in self._of.get(connection.address, ())

    def count_of(self, address: str) -> int:
        return len(self._of.get(address, ()))

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

    def _make_room(self, newcomer: str) -> bool:
        """Never take a place from an address that holds fewer."""
        least = self.count_of(newcomer) + 1
        holders = sorted(self._of.items(), key=lambda each: -len(each[1]))
        self._warn(*holders[0])
        for address, connections in holders:
            if len(connections) < least and address != newcomer:
                continue
            if (worst := _worst(connections)) is not None:
                self.remove(worst)
                worst.give_way()
                return True
        return False

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
