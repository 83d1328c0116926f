"""Metrics read from the database for each scrape: the queue, webhooks, and the last runs of sweep and verify."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True)
class JobResult:
    """The last results of a job run in a separate process (stored by `images/upkeep/runs.py`)."""

    last_run: float  # Unix time; 0: never
    last_success: float  # Unix time; 0: never
    failed: bool  # the last run
    seconds: float  # of the last success
    counts: Mapping[str, int] = field(default_factory=dict)  # from the last success


@dataclass(frozen=True)
class Depth:
    """The queue's counts of one kind of work."""

    queued: int
    running: int
    held: int  # failed on every try; an operator has to look at it
    oldest: float  # seconds the oldest has been due


@dataclass(frozen=True, eq=False)
class Queue(Collector):
    """Read from the database for each scrape; None: the read failed."""

    depths: Mapping[str, Depth] | None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        values: tuple[tuple[str, str, Callable[[Depth], float]], ...] = (
            ("depth", "Queued work that is waiting.", lambda depth: depth.queued),
            ("running", "Queued work that is running.", lambda depth: depth.running),
            ("held", "Queued work that failed on every attempt and waits for an operator.", lambda depth: depth.held),
            ("oldest_seconds", "Time since the oldest queued work was due.", lambda depth: depth.oldest),
        )
        for name, text, value in values:
            family = GaugeMetricFamily(f"image_service_jobs_{name}", text, labels=("kind",))
            for kind, depth in (self.depths or {}).items():
                family.add_metric((kind,), value(depth))
            yield family


@dataclass(frozen=True)
class Told:
    """The number of webhooks, and of deliveries to them."""

    on: int
    failing: int  # no delivery succeeded for a while
    off: int  # failing for days: deliveries stopped
    waiting: int  # deliveries, including those that wait for a retry
    oldest: float  # seconds the oldest has been due


@dataclass(frozen=True, eq=False)
class Webhooks(Collector):
    """Read from the database for each scrape; None: the read failed."""

    told: Told | None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        states = GaugeMetricFamily("image_service_webhooks", "Webhooks of all stores.", labels=("state",))
        waiting = GaugeMetricFamily(
            "image_service_webhook_deliveries_waiting", "Events waiting to be delivered to webhooks."
        )
        oldest = GaugeMetricFamily(
            "image_service_webhook_deliveries_oldest_seconds", "Time since the oldest waiting event was due."
        )
        if self.told is not None:
            for state in ("on", "failing", "off"):
                states.add_metric((state,), getattr(self.told, state))
            waiting.add_metric((), self.told.waiting)
            oldest.add_metric((), self.told.oldest)
        return states, waiting, oldest


@dataclass(frozen=True, eq=False)  # a registry needs it hashable
class Jobs(Collector):
    """Read from the database for each scrape; None: the read failed."""

    results: Mapping[str, JobResult] | None

    def collect(self) -> Iterable[GaugeMetricFamily]:
        up = "image_service_database_up", "1 if the database answered this scrape."
        yield GaugeMetricFamily(*up, value=0 if self.results is None else 1)
        results = self.results or {}
        for name, text, value in (
            (
                "last_run_timestamp_seconds",
                "Unix time at which the task last ended; 0: never.",
                lambda job: job.last_run,
            ),
            (
                "last_success_timestamp_seconds",
                "Unix time at which the task last succeeded; 0: never.",
                lambda job: job.last_success,
            ),
            ("last_run_failed", "1 if the task's last run failed.", lambda job: float(job.failed)),
            ("last_success_duration_seconds", "Duration of the task's last successful run.", lambda job: job.seconds),
        ):
            family = GaugeMetricFamily(f"image_service_job_{name}", text, labels=("task",))
            for job, result in results.items():
                family.add_metric((job,), value(result))
            yield family
        for job, name, text, label in (
            ("sweep", "image_service_sweep_removed", "Items removed by the last sweep.", "kind"),
            (
                "verify",
                "image_service_verify_originals",
                "Originals by the state that the last full verify found.",
                "state",
            ),
            (
                "verify_sample",
                "image_service_verify_sample_originals",
                "Originals by the state that the last verify of a sample found.",
                "state",
            ),
        ):
            family = GaugeMetricFamily(name, text, labels=(label,))
            for each, count in results[job].counts.items() if job in results else ():
                family.add_metric((each,), count)
            yield family
