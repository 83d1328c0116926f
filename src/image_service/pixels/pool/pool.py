"""Feeds the pixel processes: a job each at a time, in the order asked, killed at its time limit.

The service's own process decodes nothing and imports no decoder. What a picture can break is one process,
which is replaced; what it can cost is its own request.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from image_service.errors import Busy, ImageServiceError
from image_service.pixels.limits import Limits, Refused, broken
from image_service.pixels.messages import Layer, Probe, Rendering
from image_service.pixels.picture import Format, Pixels
from image_service.pixels.pool.answers import Failed, Nonsense, read_answer, read_family, read_probe, read_rendered
from image_service.pixels.pool.costs import DEAR_SECONDS
from image_service.pixels.pool.files import JobFiles, Unusable, given, size_of
from image_service.pixels.pool.kept import KeptPixels
from image_service.pixels.pool.process import Died, NotTaken, Starved
from image_service.pixels.pool.processes import Processes
from image_service.pixels.pool.turns import Job, Jobs, Turns
from image_service.telemetry import metrics

WORKER = (sys.executable, "-I", "-m", "image_service.pixels.worker")

NEWEST = 0.1  # the share of the latest render in how they usually compare with their estimates

Read = TypeVar("Read")


class PixelsFailed(ImageServiceError):
    """A job could not be done, and the picture may be innocent."""


class ProbeFailed(PixelsFailed):
    pass


class RenderFailed(PixelsFailed):
    pass


class RenderTooLong(RenderFailed):
    """It was killed at its time limit."""


class PixelPool:
    """`processes` of them, at most. `async with` starts and closes it.

    `probe_seconds` and `draw_seconds` bound one job, counted from when a process takes it up. `kept`: where the pixels
    of JPEGs are kept for later renders. With `yields` they run at the lowest CPU priority.
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
        self._pace = 0.0  # seconds for each that was estimated: a moving mean; 0: not known yet
        self.waiting = 0  # jobs that no process has taken up
        self._jobs = Jobs()  # those, and those under way
        self.idle = self._jobs.none

    @property
    def formats(self) -> tuple[Format, ...]:
        """Those that pictures are taken in."""
        return self._limits.formats

    @property
    def busy(self) -> int:
        """Jobs under way."""
        return self._processes.busy

    @property
    def cage(self) -> tuple[Layer, ...]:
        """That of the processes, all of which run on the same kernel."""
        return self._processes.cage

    @property
    def killed(self) -> int:
        """Processes ended because of time, or because their caller had gone."""
        return self._processes.killed

    @property
    def died(self) -> int:
        """Processes that ended by themselves, or answered nonsense."""
        return self._processes.died

    def expected_wait(self, estimated: float, *, dear: bool = False) -> float:
        """Seconds until renders that are estimated to take so long together will be done, as the latest ones tell.

        `dear`: for one that waits behind them and has fewer places.
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
    ) -> Probe:
        """What `path` is, or `Refused`: also if its process dies of it or takes too long.

        `formats` are those that are taken; those of the limits, if there are none. Owners take turns. `keep` names a
        file to be made for the pixels; what it then holds is `Probe.kept`. `later`: no request waits for it, so it
        comes behind those that one waits for.

        Raises `Busy` if no process is free within `wait` seconds, `ProbeFailed` if the file cannot be read or memory is
        too short, which is no fault of a picture within the limits.
        """
        limits = self._limits
        if formats:
            limits = replace(limits, formats=tuple(formats))
        request = {"do": "probe", "limits": asdict(limits)}
        try:
            async with (
                self._turn(wait, Job.LATER if later else Job.CHECK, owner),
                self._files.source(path) as source,
                self._files.kept(keep) as kept,
            ):
                size = os.fstat(source).st_size
                return await self._run(
                    request | self._keeping(kept),
                    given(source, kept),
                    self._probe_seconds,
                    lambda answer: read_probe(answer, limits, size, size_of(kept)),
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
        lightest: Callable[[Format], None] = lambda _: None,
    ) -> Pixels | None:
        """Render the probed picture `source` into the file `target`. `begun` is called when its turn has come.

        With `pixels`, `source` is a file of them. `keep` names a file to be made for the pixels of the picture; those
        that it then has are the answer. `lightest` is told which of its formats that is.

        `estimated` seconds decide whether it is a dear one, which waits behind cheap ones; owners take turns.

        Raises `Busy` if no process is free within `wait` seconds, else `RenderFailed`; `target` may be
        there in part after that, or after a cancellation.
        """
        request = {"do": "render", "rendering": asdict(rendering), "pixels": pixels and asdict(pixels)}
        try:
            async with self._turn(wait, Job.DEAR if estimated >= DEAR_SECONDS else Job.CHEAP, owner):
                begun()
                async with (
                    self._files.source(source) as read,
                    self._files.target(target) as written,
                    self._files.kept(keep) as kept,
                ):
                    since = time.perf_counter()
                    format, found = await self._run(
                        request | self._keeping(kept),
                        given(read, written, kept),
                        self._draw_seconds,
                        lambda answer: read_rendered(answer, rendering, size_of(kept)),
                    )
                    self._has_rendered(time.perf_counter() - since, estimated)
                    lightest(format)
                    return found
        except TimeoutError:
            raise RenderTooLong("took too long") from None
        except (Died, Nonsense, Failed, Refused, Unusable) as error:
            raise RenderFailed(str(error)) from error

    async def render_family(
        self, source: Path, targets: Sequence[Path], renderings: Sequence[Rendering], pixels: Pixels | None = None
    ) -> tuple[Format, ...]:
        """Render a still picture into all of `targets`, those of one size one after the other, from one decode. For
        each, the lightest of the formats that it asks about. Raises as `render` does.
        """
        described = [asdict(each) for each in renderings]
        request = {"do": "family", "renderings": described, "pixels": pixels and asdict(pixels)}
        try:
            async with self._turn(self._draw_seconds, Job.DEAR, 0), AsyncExitStack() as files:
                opened = [await files.enter_async_context(self._files.source(source))]
                opened += [await files.enter_async_context(self._files.target(each)) for each in targets]
                return await self._run(
                    request, opened, self._draw_seconds, lambda answer: read_family(answer, renderings)
                )
        except TimeoutError:
            raise RenderTooLong("took too long") from None
        except (Died, Nonsense, Failed, Refused, Unusable) as error:
            raise RenderFailed(str(error)) from error

    def _keeping(self, kept: int | None) -> dict[str, Any]:
        """What a job is told of the file for its pixels. Where others wait, those of a small picture are not worth the
        dearer check.
        """
        if kept is None or self.kept is None:
            return {"keep": None}
        is_idle = not self.waiting and self.busy < self._size
        return {"keep": {"bytes": self.kept.most, "small": is_idle}}

    async def _run(
        self, request: dict[str, Any], files: Sequence[int], seconds: float, read: Callable[[dict[str, Any]], Read]
    ) -> Read:
        """Ask the process whose turn it is."""
        for _ in range(self._size + 1):  # every idle one, and a new one
            with suppress(NotTaken):
                async with self._processes.one() as process:
                    id = next(self._ids)
                    return read(read_answer(await process.ask({"id": id, **request}, files, seconds), id))
        raise Busy("every pixel process died")

    def _has_rendered(self, seconds: float, estimated: float) -> None:
        if estimated:
            weight = NEWEST if self._pace else 1
            self._pace += (seconds / estimated - self._pace) * weight

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
