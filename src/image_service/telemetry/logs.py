"""Structured logs: one JSON line an event; on a terminal, readable text."""

import io
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO, cast

import structlog

from image_service.telemetry.log_stream import LogStream

# Lower levels do not help an operator.
QUIET = {
    logging.WARNING: ("alembic", "pgqueuer", "uvicorn", "uvicorn.error"),
    logging.ERROR: ("httpcore", "httpx", "python_multipart", "pyvips", "asyncio"),
}


def configure(level: str, lost: Callable[[], None] = lambda: None) -> None:
    """Configure this process; a second call replaces the first. Libraries' records get the same form.

    `lost` is called for each line that cannot be written.
    """
    stream = None if sys.stderr is None else cast("TextIO", LogStream(sys.stderr, lost))
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # No name, agent or address can forge a line: JSON is ASCII, with line breaks escaped; terminal output is made
    # printable first. Tracebacks omit local variables, which structlog shows by default: they include tokens and
    # bodies.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[structlog.types.Processor] = (
        [_printable_values, structlog.dev.ConsoleRenderer(exception_formatter=_indented_traceback)]
        if sys.stderr is not None and sys.stderr.isatty()
        else [_process_id, structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    )
    # The service's own events go directly to their stream: the standard library's logging takes three times as long,
    # and every request logs one. Without a standard error, nothing is written.
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.ReturnLoggerFactory() if stream is None else structlog.WriteLoggerFactory(stream),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.NullHandler() if stream is None else logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for least, names in QUIET.items():
        for name in names:
            library = logging.getLogger(name)
            library.setLevel(max(least, root.level))
            library.handlers.clear()
            library.propagate = True


def _process_id(logger: object, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Add the worker's pid."""
    event["pid"] = os.getpid()
    return event


def printable(text: str) -> str:
    """Escape unprintable characters as in a Python string: line breaks, terminal escape sequences, marks that change
    the text direction.
    """
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _printable_values(logger: object, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {printable(key): value if key == "exc_info" else _printable(value) for key, value in event.items()}


def _printable(value: Any) -> Any:
    """The renderer prints the `repr` of other values; a container's `repr` escapes its content."""
    if isinstance(value, str):
        return printable(str(value))
    return value if isinstance(value, (int, float, bool, type(None), Mapping, Sequence)) else printable(repr(value))


def _indented_traceback(stream: Any, exc_info: Any) -> None:
    """Indent each line: a message may have several, written by a client, and none may look like an event."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write("\n".join("    " + printable(line) for line in text.getvalue().split("\n")))
