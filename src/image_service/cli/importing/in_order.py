"""Processes items concurrently, but those of one lane in order."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import TypeVar

AHEAD = 200  # items read ahead per running one: enough that one long lane does not starve the others

Item = TypeVar("Item")


async def run(
    items: Iterable[Item],
    lane_of: Callable[[Item], Hashable],
    work: Callable[[Item], Awaitable[None]],
    *,
    concurrency: int,
) -> None:
    """Returns when all are done. Reads `items` one by one, with a limited lead.

    Raises the first exception of `work`, which stops the run.
    """
    lanes: dict[Hashable, deque[Item]] = {}
    room = asyncio.Semaphore(AHEAD * concurrency)
    slots = asyncio.Semaphore(concurrency)

    async def drain(name: Hashable) -> None:
        lane = lanes[name]
        while lane:
            item = lane.popleft()
            async with slots:
                await work(item)
            room.release()
        del lanes[name]

    try:
        async with asyncio.TaskGroup() as group:
            for item in items:
                await room.acquire()
                name = lane_of(item)
                if name in lanes:
                    lanes[name].append(item)
                else:
                    lanes[name] = deque([item])
                    group.create_task(drain(name))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
