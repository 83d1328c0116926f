"""Starts a pool's pixel processes, lends each to one job at a time, and replaces dead ones."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog

from image_service.errors import Busy
from image_service.pixels.limits import Refused
from image_service.pixels.messages import Layer
from image_service.pixels.pool.answers import Failed, Nonsense
from image_service.pixels.pool.process import Died, PixelProcess
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Ended

log = structlog.get_logger()


class Processes:
    """At most `size` pixel processes."""

    def __init__(self, size: int, command: Sequence[str], *, yields: bool = False) -> None:
        self._size = size
        self._yields = yields
        self._command = command
        self._idle: list[PixelProcess] = []
        self._working: set[PixelProcess] = set()
        self._closed = False
        self.cage: tuple[Layer, ...] = ()  # of all processes: they run on the same kernel
        self.killed = 0  # at the time limit, or because their caller was cancelled
        self.died = 0  # exited by themselves, or gave an invalid answer
        metrics.PIXELS.inc(size)

    @property
    def busy(self) -> int:
        """The number of running jobs."""
        return len(self._working)

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.pid for process in (*self._idle, *self._working))

    async def start(self) -> None:
        """Start all processes, so that the service is not ready if that fails. Raises `Busy`; then ends all."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._size):
                    group.create_task(self._start_idle())
        except BaseException as error:
            await self.close()
            if isinstance(error, ExceptionGroup):
                raise error.exceptions[0] from None
            raise
        log.info("pixel processes are caged", layers=[str(layer) for layer in self.cage if layer.holds])
        for layer in self.cage:
            if not layer.holds:
                log.warning("the cage of the pixel processes lacks a layer", layer=layer.name, reason=layer.detail)

    async def _start_idle(self) -> None:
        self._idle.append(await self._started())

    async def close(self) -> None:
        """Kill all processes and their jobs; returns once they have exited."""
        if not self._closed:
            metrics.PIXELS.dec(self._size)
        self._closed = True
        await asyncio.gather(*(process.kill() for process in (*self._idle, *self._working)))
        self._idle.clear()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[PixelProcess]:
        """Lend a process exclusively. It is reused only if it has answered: the leftover output of an abandoned
        job must never be read as the answer to another. Raises `Busy` if none can be started or the pool is closed.
        """
        process = await self._idle_one() or await self._started()
        self._working.add(process)
        metrics.PIXELS_BUSY.inc()
        try:
            yield process
        except (Refused, Failed):
            self._idle.append(process)
            raise
        except (Died, Nonsense) as error:
            await process.kill()
            if self._closed:
                raise Busy("the pixel pool is closed") from None
            self._has_died(process, str(error))
            raise
        except BaseException as error:
            self.killed += 1
            why = Ended.TIME_LIMIT if isinstance(error, TimeoutError) else Ended.ABANDONED
            metrics.PIXELS_ENDED.labels(why).inc()
            log.warning("pixel process killed", process=process.pid, reason=str(why))
            await process.kill()
            raise
        else:
            self._idle.append(process)
        finally:
            self._working.discard(process)
            metrics.PIXELS_BUSY.dec()

    async def _idle_one(self) -> PixelProcess | None:
        while self._idle:
            process = self._idle.pop()
            if process.usable:
                return process
            self._has_died(process, "between two jobs")
            await process.kill()
        return None

    def _has_died(self, process: PixelProcess, reason: str) -> None:
        self.died += 1
        metrics.PIXELS_ENDED.labels(Ended.DIED).inc()
        log.warning("pixel process died", process=process.pid, reason=reason)

    async def _started(self) -> PixelProcess:
        if self._closed:
            raise Busy("the pixel pool is closed")
        try:
            process = await PixelProcess.start(self._command)
        except (OSError, Died) as error:  # TimeoutError is an OSError
            raise Busy(f"no pixel process could be started: {error!r}") from error
        if self._closed:
            await process.kill()
            raise Busy("the pixel pool is closed")
        self.cage = process.cage
        if self._yields:
            process.yield_to_all()
        return process
