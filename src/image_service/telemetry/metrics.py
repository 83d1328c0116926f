"""All metrics of the service, and the text that `/metrics` returns.

Other packages import this module and count where the event happens. Each process of a service writes its own files,
which are added up for a scrape (see `metrics_files`); a single process, as in tests, counts in memory.
`docs/metrics.md` describes each metric, and a test compares the two.
"""

import os
import platform
from bisect import bisect_left
from collections import Counter as Counted
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from image_service.errors import Refusal
from image_service.telemetry.collectors import Depth, JobResult, Jobs, Queue, Told, Webhooks
from image_service.telemetry.metrics_files import VARIABLE

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
REGISTRY = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # a series' start time; absent with several processes

_REQUEST_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WORK_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)  # for pictures and other hosts
_WAIT_SECONDS = (0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10)


class Source(StrEnum):
    """Where a picture came from."""

    FILE = "file"  # a form part
    ATTACHMENT = "attachment"  # base64 in JSON
    SRC = "src"  # a URL, fetched
    IMAGE_ID = "image_id"  # an orphan is assigned: no new bytes
    COPY = "copy"  # a `src` of this service


class Saved(StrEnum):
    """Why a sync skipped work for a stored source."""

    NOT_ASKED = "not_asked"  # the list has `"refetch": "never"`
    NOT_MODIFIED = "not_modified"  # the host said so, and sent no picture
    SAME_BYTES = "same_bytes"  # sent, and equal to the original: neither checked nor stored


class Undelivered(StrEnum):
    """Why no picture was delivered."""

    NOT_FOUND = "not_found"  # no live image, or not an offered size or format
    BUSY = "busy"  # the wait for a pixel process is too long
    NOT_DRAWN = "not_drawn"
    RANGE = "range"  # beyond the end
    UNAVAILABLE = "unavailable"  # the database or the blob store


class Hit(StrEnum):
    """The result of a cache lookup."""

    HIT = "hit"
    MISS = "miss"


class Way(StrEnum):
    """The way to the database."""

    SESSIONS = "sessions"
    STATEMENTS = "statements"


class NotAhead(StrEnum):
    """Why an image's variants were not rendered ahead."""

    LOAD = "load"  # the queue was full
    GONE = "gone"  # deleted or replaced
    FAILED = "failed"


class Ended(StrEnum):
    """Why a pixel process had to be replaced."""

    TIME_LIMIT = "time_limit"  # killed
    ABANDONED = "abandoned"  # killed: the client left
    DIED = "died"  # ended by itself, or killed for a malformed answer


ACCEPTED = "accepted"


def _gauge(name: str, text: str, labels: Iterable[str] = (), mode: str = "livesum") -> Gauge:
    return Gauge(name, text, labels, registry=REGISTRY, multiprocess_mode=mode)  # type: ignore[arg-type]


def _counter(name: str, text: str, labels: Iterable[str] = ()) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


class Timings(Histogram):
    """A histogram of seconds."""

    def observe_all(self, seconds: Collection[float]) -> None:
        """Same as `observe` for each, with only one write per bucket hit."""
        for bucket, count in Counted(bisect_left(self._upper_bounds, each) for each in seconds).items():
            self._buckets[bucket].inc(count)
        self._sum.inc(sum(seconds))


def _histogram(name: str, text: str, buckets: tuple[float, ...], labels: Iterable[str] = ()) -> Timings:
    return Timings(name, text, labels, buckets=buckets, registry=REGISTRY)


BUILD = _gauge("image_service_build_info", "Always 1; the labels name the versions.", ("version", "python"), mode="max")
WORKERS_REPLACED = _counter(
    "image_service_workers_replaced_total", "Worker processes that ended unexpectedly and were replaced."
)
LOG_LINES_LOST = _counter("image_service_log_lines_lost_total", "Log lines that could not be written.")

REQUESTS = _counter("image_service_http_requests_total", "Requests answered.", ("dialect", "route", "method", "status"))
REQUEST_SECONDS = _histogram(
    "image_service_http_request_duration_seconds",
    "Time from a request's head to the last byte of its answer.",
    _REQUEST_SECONDS,
    ("dialect", "route", "method"),
)
CONNECTIONS = _gauge("image_service_connections", "Open client connections.")
CONNECTIONS_OF_ONE = _gauge(
    "image_service_connections_of_one_client", "Open connections of the client that has the most."
)
RECEIVED_BYTES = _counter("image_service_http_received_bytes_total", "Bytes of request bodies.", ("dialect",))
SENT_BYTES = _counter("image_service_http_sent_bytes_total", "Bytes of response bodies.", ("dialect",))

INGESTED = _counter(
    "image_service_ingest_total", "Pictures accepted, stored and acknowledged, or refused.", ("source", "outcome")
)
INGESTED_BYTES = _counter("image_service_ingest_bytes_total", "Bytes of accepted pictures.", ("source",))
INGESTING = _gauge("image_service_ingest_requests", "Running requests that may bring a picture.")
UPLOADS = _gauge("image_service_ingest_in_progress", "Pictures being checked and stored.")
UPLOADS_WAITING = _gauge("image_service_ingest_waiting", "Received pictures waiting to be checked.")

FETCHES = _counter("image_service_fetches_total", "Fetches of a src.", ("outcome",))
FETCH_SECONDS = _histogram(
    "image_service_fetch_duration_seconds", "Duration of fetches of a src, failed ones included.", _WORK_SECONDS
)

SYNCED = _counter(
    "image_service_sync_entries_total", "Entries of synced galleries, and images that the syncs removed.", ("outcome",)
)
SYNC_SAVED = _counter(
    "image_service_sync_sources_saved_total",
    "Sources of synced galleries that were not downloaded or brought nothing new.",
    ("reason",),
)

SEARCH_SECONDS = _histogram(
    "image_service_search_seconds", "Duration of the database statements of product searches.", _REQUEST_SECONDS
)

DRAW_SECONDS = _histogram(
    "image_service_variant_draw_duration_seconds",
    "Duration of rendering and storing a variant, including the wait for a pixel process.",
    _WORK_SECONDS,
    ("format",),
)
DRAWS_FAILED = _counter(
    "image_service_variant_draw_failures_total", "Variants that a pixel process could not render.", ("format",)
)
KEPT_PIXELS = _counter(
    "image_service_kept_pixels_total",
    "Renders of JPEGs: from kept pixels (hit) or from the original (miss).",
    ("outcome",),
)
TOGETHER = _counter("image_service_variants_together_total", "Variants rendered from one decode with others.")
AHEAD = _counter("image_service_variants_ahead_total", "Variants rendered ahead of requests.", ("format",))
NOT_AHEAD = _counter("image_service_ahead_dropped_total", "Images whose variants were not rendered ahead.", ("reason",))
AHEAD_WAITING = _gauge("image_service_ahead_waiting", "Images waiting for their variants to be rendered ahead.")
LISTS = _counter("image_service_lists_total", "Lists of a product's images without filters.", ("source",))
SERVED = _counter(
    "image_service_variants_served_total", "Pictures delivered by the service (200, 206, 304).", ("format",)
)
NEGOTIATED = _counter(
    "image_service_variants_negotiated_total", "Pictures delivered in a better format than the URL's.", ("format",)
)
UNDELIVERED = _counter("image_service_variants_refused_total", "Requests for pictures that were refused.", ("reason",))

PIXELS = _gauge("image_service_pixel_processes", "Pixel processes that may run at once.")
PIXELS_BUSY = _gauge("image_service_pixel_processes_busy", "Pixel processes with a job.")
PIXELS_WAITING = _gauge("image_service_pixel_jobs_waiting", "Jobs waiting for a pixel process.")
PIXELS_WAIT_SECONDS = _histogram(
    "image_service_pixel_wait_seconds", "Time that jobs waited for a pixel process.", _WAIT_SECONDS
)
PIXELS_ENDED = _counter(
    "image_service_pixel_processes_ended_total", "Pixel processes that were killed or died.", ("reason",)
)

JOB_SECONDS = _histogram(
    "image_service_jobs_seconds", "Duration of attempts at queued work, failed ones included.", _WORK_SECONDS, ("kind",)
)

WEBHOOK_ATTEMPTS = _counter(
    "image_service_webhook_attempts_total", "Attempts to deliver events to webhooks.", ("outcome",)
)
WEBHOOK_SECONDS = _histogram(
    "image_service_webhook_seconds", "Time until a webhook's receiver answered or the attempt failed.", _WORK_SECONDS
)
WEBHOOKS_SWITCHED_OFF = _counter(
    "image_service_webhooks_switched_off_total", "Webhooks switched off after failing for five days.", ()
)

POOL_SIZE = _gauge(
    "image_service_database_connections_limit", "Database connections that may be open at once.", ("way",)
)
POOL_IN_USE = _gauge("image_service_database_connections_in_use", "Database connections in use.", ("way",))
POOL_WAIT_SECONDS = _histogram(
    "image_service_database_wait_seconds",
    "Time that requests waited for a database connection.",
    _WAIT_SECONDS,
    ("way",),
)
POOL_TIMEOUTS = _counter(
    "image_service_database_wait_timeouts_total", "Waits for a database connection that timed out.", ("way",)
)

# Create the series at the start, so that rates work from 0.
for _source in Source:
    INGESTED_BYTES.labels(_source)
    for _outcome in (ACCEPTED, *Refusal):
        INGESTED.labels(_source, _outcome)
for _saved in Saved:
    SYNC_SAVED.labels(_saved)
for _hit in Hit:
    KEPT_PIXELS.labels(_hit)
for _reason in Undelivered:
    UNDELIVERED.labels(_reason)
for _not_ahead in NotAhead:
    NOT_AHEAD.labels(_not_ahead)
for _ended in Ended:
    PIXELS_ENDED.labels(_ended)
for _way in Way:
    for _each in (POOL_SIZE, POOL_IN_USE, POOL_WAIT_SECONDS, POOL_TIMEOUTS):
        _each.labels(_way)


def exposition(
    jobs: Mapping[str, JobResult] | None, depths: Mapping[str, Depth] | None = None, told: Told | None = None
) -> bytes:
    """All metrics of all the service's processes, as Prometheus text. Blocks: reads files."""
    BUILD.labels(version("image-service"), platform.python_version()).set(1)
    asked = _text_of(Jobs(jobs)) + _text_of(Queue(depths)) + _text_of(Webhooks(told))
    if VARIABLE not in os.environ:
        return generate_latest(REGISTRY) + asked
    everything = CollectorRegistry()
    MultiProcessCollector(everything)  # type: ignore[no-untyped-call]
    return generate_latest(everything) + asked


def _text_of(collector: Collector) -> bytes:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry)


def forget(pid: int) -> None:
    """Keep an ended process's counters, and drop its live gauges."""
    if VARIABLE in os.environ:
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
