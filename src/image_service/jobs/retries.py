"""When a fetch that a host refused is retried."""

from dataclasses import dataclass
from datetime import UTC, datetime

TRIES_AGAIN = 5
SECONDS = 120.0  # from the first refusal on: a short outage of a host, while the merchant still waits
PAUSES = (2.0, 5.0, 10.0, 20.0, 30.0)  # within SECONDS; a host may ask for a longer one, up to LONGEST
LONGEST = 30.0
# Transient reasons. All others are permanent faults of the URL, host or picture.
PASSING = {"not_fetched", "timed_out", "cut_off", "too_many_requests", "host_error"}


@dataclass(frozen=True)
class Retries:
    seconds: float = SECONDS  # the pauses scale with it

    def pause(
        self, tries: int, first_refused_at: datetime | None, reason: str, retry_after: float | None
    ) -> float | None:
        """Seconds until the next try of a job that was just refused for `reason`; None for no retry.

        `tries` were refused before, from `first_refused_at` on. A `retry_after` beyond the limits means no retry.
        """
        if reason not in PASSING or tries >= TRIES_AGAIN:
            return None
        scale = self.seconds / SECONDS
        pause = max(PAUSES[tries] * scale, retry_after or 0.0)
        spent = (datetime.now(UTC) - first_refused_at).total_seconds() if first_refused_at else 0.0
        return pause if pause <= LONGEST * scale and spent + pause <= self.seconds else None
