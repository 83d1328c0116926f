"""Runs jobs in the pixel processes: one job per process at a time, in turn, killed at its time limit.

The service's own process decodes nothing and imports no decoder. A picture can at worst break one
process, which is replaced, and fail its own request.
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
from typing import Any, NamedTuple, Self, TypeVar

from image_service.errors import Busy
from image_service.pixels.limits import Limits, broken
from image_service.pixels.messages import Layer, Probe, Rendering
from image_service.pixels.picture import Format, Pixels
from image_service.pixels.pool.answers import Failed, Nonsense, read_answer, read_family, read_probe, read_rendered
from image_service.pixels.pool.costs import DEAR_SECONDS
from image_service.pixels.pool.failures import ProbeFailed, render_errors
from image_service.pixels.pool.files import JobFiles, Opened, Unusable
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.pool.process import Died, NotTaken, Starved
from image_service.pixels.pool.processes import Processes
from image_service.pixels.pool.turns import Job, Jobs, Turns
from image_service.telemetry import metrics

WORKER = (sys.executable, "-I", "-m", "image_service.pixels.worker")

NEWEST = 0.1  # weight of the latest render in the moving mean of actual to estimated time

Read = TypeVar("Read")


class Family(NamedTuple):
    """Variants that one job renders from one decode."""

    targets: Sequence[Path]
    renderings: Sequence[Rendering]  # those of one size are adjacent, larger sizes come first
    estimated: float = 0.0  # seconds; 0: do not count it in the pace


class PixelPool:
    """A pool of at most `processes` pixel processes. `async with` starts and closes it.

    `probe_seconds` and `draw_seconds` bound one job from when a process starts it. `kept` is the cache of JPEGs' pixels
    for later renders. With `yields`, the processes run at the lowest CPU priority.
    """

    def __init__(
        self,
        processes: int,
        limits: Limits,
        probe_seconds: float,
        draw_seconds: float,
        command: Sequence[str] = WORKER,
        kept: KeptPixels | None = None,
        *,
        yields: bool = False,
    ) -> None:
        self.kept = kept
        self._size = processes
        self._processes = Processes(processes, command, yields=yields)
        self._limits = limits
        self._probe_seconds = probe_seconds
        self._draw_seconds = draw_seconds
        self._turns = Turns(processes)
        self._files = JobFiles(threads=processes)
        self._ids = count(1)
        self._pace = 0.0  # actual per estimated second: a moving mean; 0: unknown yet
        self.waiting = 0  # jobs that no process has started
        self._jobs = Jobs()  # waiting and running jobs
        self.idle = self._jobs.none

    @property
    def formats(self) -> tuple[Format, ...]:
        """The accepted formats of pictures."""
        return self._limits.formats

    @property
    def busy(self) -> int:
        """The number of running jobs."""
        return self._processes.busy

    @property
    def cage(self) -> tuple[Layer, ...]:
        """The cage of the processes; all run on the same kernel."""
        return self._processes.cage

    @property
    def killed(self) -> int:
        """Processes killed at the time limit, or because their caller was cancelled."""
        return self._processes.killed

    @property
    def died(self) -> int:
        """Processes that exited by themselves, or gave an invalid answer."""
        return self._processes.died

    def expected_wait(self, estimated: float, *, dear: bool = False) -> float:
        """Return the seconds until renders of `estimated` seconds in all are done, at the rate of recent renders.

        `dear`: for a dear render behind them, which has fewer places.
        """
        return estimated * self._pace / (self._turns.dear_places if dear else self._size)

    @property
    def pids(self) -> tuple[int, ...]:
        return self._processes.pids

    async def __aenter__(self) -> Self:
        await self._processes.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._processes.close()

    async def probe(
        self,
        path: Path,
        *,
        wait: float,
        formats: Collection[Format] = (),
        owner: int = 0,
        keep: Path | None = None,
        later: bool = False,
        others: int = 0,
    ) -> Probe:
        """Check the picture `path`. Raises `Refused`, also if its process dies or times out.

        `formats` are the accepted formats; empty: those of the limits. Owners take turns. `keep` names a new file for
        the pixels; `Probe.kept` describes its content. `later`: no request waits for this check, so it runs after
        those that a request waits for. `others`: how many uploads are under way besides this one.

        Raises `Busy` if no process is free within `wait` seconds, `ProbeFailed` if the file cannot be read or memory
        runs out, which a picture within the limits does not cause.
        """
        limits = self._limits
        if formats:
            limits = replace(limits, formats=tuple(formats))
        request = {"do": "probe", "limits": asdict(limits)}
        try:
            async with (
                self._turn(wait, Job.LATER if later else Job.CHECK, owner),
                self._files.opened(path, keep=keep) as job,
            ):
                size = os.fstat(job.source).st_size
                return await self._run(
                    request | self._keeping(job, others),
                    job.given,
                    self._probe_seconds,
                    lambda answer: read_probe(answer, limits, size, job.kept_bytes),
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
        pixels: Pixels | None = None,
        keep: Path | None = None,
    ) -> tuple[Format, Pixels | None]:
        """Render the probed picture `source` into the file `target`. Calls `begun` when its turn comes.

        With `pixels`, `source` is a file of kept pixels. `keep` names a new file for the picture's pixels. Returns the
        lightest of the requested formats, and the pixels that were kept.

        `estimated` seconds decide whether the render is dear and waits behind cheap ones. Owners take turns.

        Raises `Busy` if no process is free within `wait` seconds, else `RenderFailed`. After that or a
        cancellation, `target` may be incomplete.
        """
        request = {"do": "render", "rendering": asdict(rendering), "pixels": pixels and asdict(pixels)}
        with render_errors():
            async with self._turn(wait, Job.DEAR if estimated >= DEAR_SECONDS else Job.CHEAP, owner):
                begun()
                async with self._files.opened(source, [target], keep) as job, self._timed(estimated):
                    return await self._run(
                        request | self._keeping(job),
                        job.given,
                        self._draw_seconds,
                        lambda answer: read_rendered(answer, rendering, job.kept_bytes),
                    )

    async def render_family(
        self,
        source: Path,
        family: Callable[[], Family],
        *,
        wait: float,
        estimated: float = 0.0,
        owner: int = 0,
        pixels: Pixels | None = None,
    ) -> tuple[Format, ...]:
        """Render a still picture into several targets from one decode. Calls `family` when its turn comes. Returns the
        lightest requested format of each. The other parameters and the errors are those of `render`.
        """
        with render_errors():
            async with self._turn(wait, Job.DEAR if estimated >= DEAR_SECONDS else Job.CHEAP, owner):
                targets, renderings, family_estimated = family()
                described = [asdict(each) for each in renderings]
                request = {"do": "family", "renderings": described, "pixels": pixels and asdict(pixels)}
                async with self._files.opened(source, targets) as job, self._timed(family_estimated):
                    return await self._run(
                        request, job.given, self._draw_seconds, lambda answer: read_family(answer, renderings)
                    )

    def _keeping(self, job: Opened, others: int = 0) -> dict[str, Any]:
        """Return the request's `keep` field. A small picture's pixels are worth the slower job only in quiet times: if
        no job waits, and fewer than half of the processes have work, here or on its way.
        """
        if job.kept is None or self.kept is None:
            return {"keep": None}
        is_quiet = not self.waiting and 2 * max(self.busy, others) < self._size
        return {"keep": {"bytes": self.kept.most, "small": is_quiet}}

    async def _run(
        self, request: dict[str, Any], files: Sequence[int], seconds: float, read: Callable[[dict[str, Any]], Read]
    ) -> Read:
        """Send the request to a free process."""
        for _ in range(self._size + 1):  # tries every idle process, then a new one
            with suppress(NotTaken):
                async with self._processes.one() as process:
                    id = next(self._ids)
                    return read(read_answer(await process.ask({"id": id, **request}, files, seconds), id))
        raise Busy("every pixel process died")

    @asynccontextmanager
    async def _timed(self, estimated: float) -> AsyncIterator[None]:
        """Wrap a render that was `estimated` to take so many seconds, if it was."""
        since = time.perf_counter()
        yield
        if estimated:
            weight = NEWEST if self._pace else 1
            self._pace += ((time.perf_counter() - since) / estimated - self._pace) * weight

    @asynccontextmanager
    async def _turn(self, wait: float, job: Job, owner: int) -> AsyncIterator[None]:
        with self._jobs.one_more():
            async with self._waited(wait, job, owner):
                yield

    @asynccontextmanager
    async def _waited(self, wait: float, job: Job, owner: int) -> AsyncIterator[None]:
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
