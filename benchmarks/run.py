"""What every row needs: how long, how often, and with whom."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path

import httpx

from benchmarks import wrk
from benchmarks.contenders.contender import Contender
from benchmarks.measure import Result, Sample, figure, ratios
from benchmarks.processes import watched

Measured = Mapping[str, Callable[[int], Sample]]  # contender: measure it in this round


@dataclass(frozen=True)
class Run:
    rounds: int = 5
    seconds: float = 2.0  # of a contender's load in a round, where it goes by time
    requests: int = 48  # where each is asked once
    peers: bool = False

    def say(self, text: str) -> None:
        sys.stderr.write(f"{text}\n")

    def interleaved(self, contenders: Measured, rounds: int = 0) -> dict[str, list[Sample]]:
        """A B C A B C …"""
        samples: dict[str, list[Sample]] = {name: [] for name in contenders}
        for round_ in range(rounds or self.rounds):
            for name, measure in contenders.items():
                sample = measure(round_)
                samples[name].append(sample)
                wrong = f", {sample.wrong} WRONG" if sample.wrong else ""
                self.say(f"  {round_ + 1}: {name:18} {sample.rate:9.1f}/s  {sample.cpu_ms:7.2f} ms CPU{wrong}")
        return samples

    def result(
        self, row: str, title: str, ours: str, samples: Mapping[str, Sequence[Sample]], targets: Mapping[str, float]
    ) -> Result:
        figures = [figure(name, rounds) for name, rounds in samples.items()]
        return Result(row, title, figures, ratios(ours, samples, targets))


@dataclass(frozen=True)
class Get:
    """The same GET again and again, or the paths of a file in turn, by wrk; every answer as long as the first."""

    of: Contender
    path: str
    expected: int = 200
    headers: Mapping[str, str] | None = None
    paths: Path | None = None
    connections: int = 16
    fault: Callable[[httpx.Response], str] = lambda _: ""  # what is wrong with an answer's content

    def ask(self) -> httpx.Response:
        """Once. Raises `httpx.HTTPError`."""
        return httpx.get(self.of.url + self.path, headers=self._headers(), timeout=60)

    def _headers(self) -> dict[str, str]:
        return {**self.of.headers, **(self.headers or {})}

    def _fault(self, response: httpx.Response) -> str:
        if response.status_code != self.expected:
            return f"{response.status_code}, not {self.expected}: {response.text[:300]}"
        return self.fault(response)

    def sample(self, seconds: float) -> Sample:
        """What answers wrongly when it is asked first is not loaded at all."""
        try:
            response = self.ask()
            fault = self._fault(response)
        except httpx.HTTPError as error:
            fault = repr(error)
        if fault:
            sys.stderr.write(f"  {self.of.name}: {fault}\n")
            return Sample(requests=0, seconds=seconds, p50=nan, p99=nan, wrong=1)
        head = sum(len(name) + len(value) + 4 for name, value in response.headers.raw) + 19
        with watched(self.of.roots) as watch:
            answered = wrk.run(
                self.of.url + self.path,
                connections=self.connections,
                seconds=seconds,
                headers=self._headers(),
                paths=self.paths,
            )
        return Sample(
            requests=answered.requests,
            seconds=answered.seconds,
            p50=answered.p50,
            p99=answered.p99,
            wrong=answered.wrong(head + len(response.content)),
            cpu_seconds=watch.cpu_seconds,
            peak_bytes=watch.peak_bytes,
            loader_share=answered.loader_share,
        )


def got(run: Run, gets: Mapping[str, Get]) -> dict[str, list[Sample]]:
    return run.interleaved({name: by_time(run, get) for name, get in gets.items()})


def by_time(run: Run, get: Get) -> Callable[[int], Sample]:
    """Once before it counts: what is loaded, prepared and remembered by then is so in every round."""
    get.sample(1)
    return lambda _: get.sample(run.seconds)
