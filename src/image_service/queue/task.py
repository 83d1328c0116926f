"""A handler's argument, and the exception for a retry. `queue/__init__.py` explains handlers."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """A row of the queue, as passed to its handler."""

    id: int
    kind: str
    payload: bytes
    attempts: int  # before this one


class Again(Exception):
    """Raised by a handler: call it again after `pause` seconds."""

    def __init__(self, pause: float, reason: str = "") -> None:
        super().__init__(reason)
        self.pause = pause


Handler = Callable[[Task], Coroutine[Any, Any, None]]
