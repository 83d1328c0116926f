"""Feeds the pixel processes: a job each at a time, in the order asked, killed at its time limit.

The service's own process decodes nothing and imports no decoder. What a picture can break is one process,
which is replaced; what it can cost is its own request.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import structlog

from image_service.errors import Busy, ImageServiceError
from image_service.pixels.limits import Limits, Refused, broken
from image_service.pixels.messages import Layer, Probe, Rendering
from image_service.pixels.picture import Format
from image_service.pixels.pool.answers import Failed, Nonsense, read_answer, read_probe, read_rendered
from image_service.pixels.pool.costs import DEAR_SECONDS
from image_service.pixels.pool.files import JobFiles, Unusable
from image_service.pixels.pool.process import Died, NotTaken, PixelProcess, Starved
from image_service.pixels.pool.turns import Job, Turns
from image_service.telemetry import metrics
from image_service.telemetry.metrics import Ended

log = structlog.get_logger()

WORKER = (sys.executable, "-I", "-m", "image_service.pixels.worker")


NEWEST = 0.1  # the share of the latest render in how they usually compare with their estimates

Read = TypeVar("Read")


class PixelsFailed(ImageServiceError):
    """A job could not be done, and the picture may be innocent."""


class ProbeFailed(PixelsFailed):
    pass


class RenderFailed(PixelsFailed):
    pass


class PixelPool:
    """`processes` of them, at most. `async with` starts and closes it.

    `probe_seconds` and `draw_seconds` bound one job, counted from when a process takes it up.
    """

    def __init__(
        self,
        processes: int,
        limits: Limits,
        probe_seconds: float,
        draw_seconds: float,
        command: Sequence[str] = WORKER,
    ) -> None:
        self._size = processes
        self._limits = limits
        self._probe_seconds = probe_seconds
        self._draw_seconds = draw_seconds
        self._command = command
        self._turns = Turns(processes)
        self._files = JobFiles(threads=processes)
        self._idle: list[PixelProcess] = []
        self._working: set[PixelProcess] = set()
        self._ids = count(1)
        self._pace = 0.0  # seconds for each that was estimated: a moving mean; 0: not known yet
        self._closed = False
        self._cage: tuple[Layer, ...] = ()
        self.waiting = 0  # jobs that no process has taken up
        self.killed = 0  # processes ended because of time, or because their caller had gone
        self.died = 0  # processes that ended by themselves, or answered nonsense
        metrics.PIXELS.inc(processes)

    @property
    def formats(self) -> tuple[Format, ...]:
        """Those that pictures are taken in."""
        return self._limits.formats

    @property
    def busy(self) -> int:
        """Jobs under way."""
        return len(self._working)

    @property
    def cage(self) -> tuple[Layer, ...]:
        """That of the processes, all of which run on the same kernel."""
        return self._cage

    def expected_wait(self, estimated: float, *, dear: bool = False) -> float:
        """Seconds until renders that are estimated to take so long together will be done, as the latest ones tell.

        `dear`: for one that waits behind them and has fewer places.
        """
        return estimated * self._pace / (self._turns.dear_places if dear else self._size)

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(process.pid for process in (*self._idle, *self._working))

    async def start(self) -> None:
        """Start all processes, so that a service that cannot is not ready. Raises `Busy`; none is left then."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._size):
                    group.create_task(self._start_idle())
        except BaseException as error:
            await self.close()
            if isinstance(error, ExceptionGroup):
                raise error.exceptions[0] from None
            raise
        log.info("pixel processes are caged", layers=[str(layer) for layer in self._cage if layer.holds])
        for layer in self._cage:
            if not layer.holds:
                log.warning("the cage of the pixel processes lacks a layer", layer=layer.name, reason=layer.detail)

    async def _start_idle(self) -> None:
        self._idle.append(await self._started())

    async def close(self) -> None:
        """End all processes, with what they are doing; returns when they have gone."""
        if not self._closed:
            metrics.PIXELS.dec(self._size)
        self._closed = True
        await asyncio.gather(*(process.kill() for process in (*self._idle, *self._working)))
        self._idle.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def probe(self, path: Path, *, wait: float, formats: Collection[Format] = (), owner: int = 0) -> Probe:
        """What `path` is, or `Refused`: also if its process dies of it or takes too long.

        `formats` are those that are taken; those of the limits, if there are none. Owners take turns.

        Raises `Busy` if no process is free within `wait` seconds, `ProbeFailed` if the file cannot be read or memory is
        too short, which is no fault of a picture within the limits.
        """
        limits = self._limits
        if formats:
            limits = replace(limits, formats=tuple(formats))
        request = {"do": "probe", "limits": asdict(limits)}
        try:
            async with self._turn(wait, Job.CHECK, owner), self._files.source(path) as source:
                size = os.fstat(source).st_size
                return await self._run(
                    request, (source,), self._probe_seconds, lambda answer: read_probe(answer, limits, size)
                )
        except TimeoutError:
            raise broken("took too long") from None
        except Starved as error:
            raise ProbeFailed(f"its process: {error}") from error
        except (Died, Nonsense) as error:
            raise broken(f"its process: {error}") from error
        except (Failed, Unusable) as error:
            raise ProbeFailed(str(error)) from error

    async def render(
        self,
        source: Path,
        target: Path,
        rendering: Rendering,
        *,
        wait: float,
        estimated: float = 0.0,
        owner: int = 0,
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        """Render the probed picture `source` into the file `target`. `begun` is called when its turn has come.

        `estimated` seconds decide whether it is a dear one, which waits behind cheap ones; owners take turns.

        Raises `Busy` if no process is free within `wait` seconds, else `RenderFailed`; `target` may be
        there in part after that, or after a cancellation.
        """
        request = {"do": "render", "rendering": asdict(rendering)}
        try:
            async with self._turn(wait, Job.DEAR if estimated >= DEAR_SECONDS else Job.CHEAP, owner):
                begun()
                async with self._files.source(source) as read, self._files.target(target) as written:
                    since = time.perf_counter()
                    await self._run(request, (read, written), self._draw_seconds, read_rendered)
                    self._has_rendered(time.perf_counter() - since, estimated)
        except TimeoutError:
            raise RenderFailed("took too long") from None
        except (Died, Nonsense, Failed, Refused, Unusable) as error:
            raise RenderFailed(str(error)) from error

    async def _run(
        self, request: dict[str, Any], files: Sequence[int], seconds: float, read: Callable[[dict[str, Any]], Read]
    ) -> Read:
        """By whoever's turn it is."""
        for _ in range(self._size + 1):  # every idle one, and a new one
            with suppress(NotTaken):
                async with self._process() as process:
                    id = next(self._ids)
                    return read(read_answer(await process.ask({"id": id, **request}, files, seconds), id))
        raise Busy("every pixel process died")

    def _has_rendered(self, seconds: float, estimated: float) -> None:
        if estimated:
            weight = NEWEST if self._pace else 1
            self._pace += (seconds / estimated - self._pace) * weight

    @asynccontextmanager
    async def _turn(self, wait: float, job: Job, owner: int) -> AsyncIterator[None]:
        self.waiting += 1
        metrics.PIXELS_WAITING.inc()
        since = time.perf_counter()
        try:
            async with asyncio.timeout(wait):
                await self._turns.acquire(job, owner)
        except TimeoutError:
            raise Busy("no pixel process is free") from None
        finally:
            self.waiting -= 1
            metrics.PIXELS_WAITING.dec()
            metrics.PIXELS_WAIT_SECONDS.observe(time.perf_counter() - since)
        try:
            yield
        finally:
            self._turns.release(job)

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[PixelProcess]:
        """A process to oneself. It serves again only if it has answered: what an abandoned job has left in
        its pipe must never be read as the answer to another.
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
        self._cage = process.cage
        return process
