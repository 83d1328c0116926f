"""A log whose every line raises an error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog


@contextmanager
def broken_log() -> Iterator[None]:
    def fail(*_: object) -> dict[str, Any]:
        raise RuntimeError("a fault of the log")

    before = structlog.get_config()
    structlog.configure(processors=[fail])
    try:
        yield
    finally:
        structlog.configure(**before)
