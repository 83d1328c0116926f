"""What is measured, and what is made of it: medians over rounds, and ratios within a round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Sample:
    """One contender under load, in one round."""

    requests: int  # answered as expected
    seconds: float
    p50: float  # milliseconds
    p99: float
    wrong: int = 0  # answers with another status, another picture, or none
    cpu_seconds: float = 0.0  # user and system, of all its processes
    peak_bytes: int = 0  # of all its processes; pages that they share are counted once
    loader_share: float = 0.0  # of one core: near 1 the load's own program is the limit

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of CPU for a request."""
        return 1000 * self.cpu_seconds / self.requests if self.requests else float("inf")


@dataclass(frozen=True)
class Figure:
    """A contender over all rounds. One that answered wrongly has no figure but that."""

    contender: str
    rounds: int
    requests: int
    wrong: int
    rate: float  # median of the rounds, requests a second
    slowest: float  # round
    fastest: float
    p50: float  # milliseconds: medians of the rounds'
    p99: float
    cpu_ms: float
    peak_mb: float
    loader_share: float

    @property
    def failed(self) -> bool:
        return self.wrong > 0 or self.requests == 0


@dataclass(frozen=True)
class Ratio:
    """How many times better than another contender: the median of the rounds' own ratios.

    Both were measured seconds apart in each round, so that what else the machine did then hardly counts.
    """

    against: str
    rate: float
    lowest: float
    highest: float
    cpu: float  # the other's CPU for a request, over ours: less noisy on a machine with other work
    target: float | None = None  # of `rate`, at least

    @property
    def met(self) -> bool | None:
        return None if self.target is None else self.rate >= self.target


@dataclass(frozen=True)
class Fact:
    """A figure that is no rate: a likeness, bytes, seconds."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        if self.at_most is None and self.at_least is None:
            return None
        low = float("-inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return low <= self.value <= high


@dataclass(frozen=True)
class Step:
    """A step of the overload curve, in requests a second."""

    offered: float
    served: float
    refused: float  # 503 with `Retry-After`
    wrong: int  # anything else: other statuses, broken connections
    p99_served: float  # milliseconds
    p99_refused: float
    p99_list: float
    p99_warm: float
    peak_mb: float
    cpu: float  # cores
    recovered: float  # seconds from the end of the load until a picture is rendered as quickly as before


@dataclass(frozen=True)
class Weighed:
    """A photo in one size and format, and a peer's with its defaults. More SSIMULACRA2 is better, less butteraugli."""

    photo: str
    width: int
    format: str
    encoder_alone: bool  # else resized by each, and compared with a full decode and resize
    bytes: int
    ssimulacra2: float
    butteraugli: float
    peer_bytes: int
    peer_ssimulacra2: float
    peer_butteraugli: float
    by_ssimulacra2: float | None  # our bytes over the peer's at the quality that has our score
    by_butteraugli: float | None


@dataclass(frozen=True)
class Result:
    row: str
    title: str
    figures: Sequence[Figure] = ()
    ratios: Sequence[Ratio] = ()
    facts: Sequence[Fact] = ()
    steps: Sequence[Step] = ()
    weighed: Sequence[Weighed] = ()
    notes: Sequence[str] = field(default=())


def figure(contender: str, samples: Sequence[Sample]) -> Figure:
    rates = [sample.rate for sample in samples]
    return Figure(
        contender=contender,
        rounds=len(samples),
        requests=sum(sample.requests for sample in samples),
        wrong=sum(sample.wrong for sample in samples),
        rate=median(rates),
        slowest=min(rates),
        fastest=max(rates),
        p50=median(sample.p50 for sample in samples),
        p99=median(sample.p99 for sample in samples),
        cpu_ms=median(sample.cpu_ms for sample in samples),
        peak_mb=max(sample.peak_bytes for sample in samples) / 1e6,
        loader_share=median(sample.loader_share for sample in samples),
    )


def ratios(
    ours: str, samples: Mapping[str, Sequence[Sample]], targets: Mapping[str, float] | None = None
) -> list[Ratio]:
    """Of `ours` to every other contender that answered rightly; none if ours did not."""
    targets = targets or {}
    sound = {name: rounds for name, rounds in samples.items() if not figure(name, rounds).failed}
    if ours not in sound:
        return []
    found = []
    for name, others in sound.items():
        if name == ours:
            continue
        pairs = list(zip(sound[ours], others, strict=True))
        rates = [mine.rate / other.rate for mine, other in pairs]
        cpu = median(other.cpu_ms / mine.cpu_ms if mine.cpu_ms else float("inf") for mine, other in pairs)
        found.append(Ratio(name, median(rates), min(rates), max(rates), cpu, targets.get(name)))
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest rank; NaN of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]
