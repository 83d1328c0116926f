"""Structured logs: one JSON line an event off a terminal, readable on one."""

import io
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

# Chatty below what an operator can act on.
QUIET = {
    logging.WARNING: ("alembic", "uvicorn", "uvicorn.error"),
    logging.ERROR: ("httpcore", "httpx", "python_multipart", "pyvips", "asyncio"),
}


def configure(level: str) -> None:
    """For this process; a second call replaces the first. Libraries' own records take the same form."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # No name, agent or address may forge a line: JSON is written in ASCII, a line break in it as two characters; what
    # goes to a terminal is made printable first. Tracebacks show no local variables, which are structlog's default:
    # there are tokens and bodies among them.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[structlog.types.Processor] = (
        [_printable_values, structlog.dev.ConsoleRenderer(exception_formatter=_indented_traceback)]
        if sys.stderr is not None and sys.stderr.isatty()
        else [_process_id, structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    )
    # Our own events go straight to their stream: the standard library's way would take three times as long, and there
    # is one for each request. Without a standard error there is nowhere to write.
    structlog.configure(
        processors=[*shared, *last],
        logger_factory=structlog.ReturnLoggerFactory()
        if sys.stderr is None
        else structlog.WriteLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.NullHandler() if sys.stderr is None else logging.StreamHandler(sys.stderr)
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
    """Which worker it was."""
    event["pid"] = os.getpid()
    return event


def printable(text: str) -> str:
    """Nothing but what takes a place on a line: no line break, no terminal's escape sequence, no mark that turns the
    direction of what follows; those as in a Python string.
    """
    return text if text.isprintable() else "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _printable_values(logger: object, name: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    return {printable(key): value if key == "exc_info" else _printable(value) for key, value in event.items()}


def _printable(value: Any) -> Any:
    """The renderer prints the `repr` of what is no string, and that of a container escapes what is in it."""
    if isinstance(value, str):
        return printable(str(value))
    return value if isinstance(value, (int, float, bool, type(None), Mapping, Sequence)) else printable(repr(value))


def _indented_traceback(stream: Any, exc_info: Any) -> None:
    """An exception's message may be of several lines, and a stranger's: none of them begins as an event does."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write("\n".join("    " + printable(line) for line in text.getvalue().split("\n")))
