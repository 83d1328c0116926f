"""DNS lookups, shared among the stores: a store whose DNS hangs does not block the others."""

import asyncio
from collections.abc import Callable, Sequence

from image_service.ingest.fetch_connect import Resolver
from image_service.ingest.shares import Owner, Shares


class Lookups:
    """At most `places` lookups at once. A lookup cannot be cancelled: an abandoned one keeps its place until it
    ends. Otherwise one store's names would soon occupy every thread.
    """

    def __init__(self, resolver: Resolver, places: int, wait: float) -> None:
        """`wait`: seconds to wait for a place."""
        self._resolver = resolver
        self._shares = Shares(places)
        self._wait = wait
        self._under_way: set[asyncio.Future[Sequence[str]]] = set()

    def of(self, owner: Owner) -> Resolver:
        """The resolver also raises `Busy` if a lookup could not start: the name may be fine."""

        async def look_up(host: str, port: int) -> Sequence[str]:
            release = await self._shares.take(owner, self._wait, "look-ups of names")
            found = asyncio.ensure_future(self._resolver(host, port))
            self._under_way.add(found)
            found.add_done_callback(lambda done: self._end(done, release))
            return await asyncio.shield(found)

        return look_up

    def _end(self, done: asyncio.Future[Sequence[str]], release: Callable[[], None]) -> None:
        self._under_way.discard(done)
        release()
        if not done.cancelled():
            done.exception()  # its caller may have gone

    def close(self) -> None:
        for each in self._under_way:
            each.cancel()
