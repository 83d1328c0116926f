"""A handler for tests of the queue."""

import asyncio

from image_service.queue.task import Task

SECONDS = 20  # for what takes a tenth of one


class Ledger:
    """A handler that writes down what it has been given, and lets a test wait for it."""

    def __init__(self, expected: int) -> None:
        self.done: list[bytes] = []
        self.all_done = asyncio.Event()
        self._expected = expected

    async def __call__(self, task: Task) -> None:
        self.note(task)

    def note(self, task: Task) -> None:
        self.done.append(task.payload)
        if len(self.done) >= self._expected:
            self.all_done.set()

    async def wait(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.all_done.wait()
