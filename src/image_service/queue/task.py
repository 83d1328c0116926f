"""What a handler gets, and what it may raise. `queue/__init__.py` says how handlers come to be called."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """A row of the queue, as its handler gets it."""

    id: int
    kind: str
    payload: bytes
    attempts: int  # that have been made before


class Again(Exception):
    """Raised by a handler: call it again after `pause` seconds."""

    def __init__(self, pause: float, reason: str = "") -> None:
        super().__init__(reason)
        self.pause = pause


Handler = Callable[[Task], Awaitable[None]]
