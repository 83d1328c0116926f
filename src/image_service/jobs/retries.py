"""When a failed fetch from a host is retried."""

from dataclasses import dataclass
from datetime import UTC, datetime

from image_service.errors import PictureRefused, Refusal
from image_service.jobs.store_jobs import StoreJob

TRIES_AGAIN = 5
SECONDS = 120.0  # for all tries: a short outage of a host, while the merchant still waits
PAUSES = (2.0, 5.0, 10.0, 20.0, 30.0)  # within SECONDS; a host may ask for a longer one, up to LONGEST
LONGEST = 30.0
# Transient reasons. All others are permanent faults of the URL, host or picture.
PASSING = {"not_fetched", "timed_out", "cut_off", "too_many_requests", "host_error"}


@dataclass(frozen=True)
class Retries:
    seconds: float = SECONDS  # the pauses scale with it

    def pause(self, job: StoreJob, refused: PictureRefused) -> float | None:
        """Seconds until the next try, or None for no retry. A `Retry-After` beyond the limits means no retry."""
        if refused.refusal is not Refusal.NOT_FETCHED or refused.reason not in PASSING or job.tries > TRIES_AGAIN:
            return None
        scale = self.seconds / SECONDS
        pause = PAUSES[job.tries - 1] * scale
        if refused.retry_after is not None:
            pause = max(pause, refused.retry_after)
        begun = job.started_at or job.created_at
        spent = (datetime.now(UTC) - begun).total_seconds()
        return pause if pause <= LONGEST * scale and spent + pause <= self.seconds else None
