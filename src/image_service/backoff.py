"""Pauses between the restarts of a process that ends by itself."""

FIRST, LONGEST = 0.1, 30.0  # seconds, doubling
STEADY = 60.0  # seconds: after a run of that length the pauses begin anew


class Backoff:
    def __init__(self) -> None:
        self._next = FIRST

    def pause(self, ran: float) -> float:
        """Seconds to wait before the next start, after a run of `ran` seconds: 0 if it did not start."""
        if ran > STEADY:
            self._next = FIRST
        pause, self._next = self._next, min(2 * self._next, LONGEST)
        return pause
