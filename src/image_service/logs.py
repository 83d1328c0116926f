"""Structured logs: one JSON line an event off a terminal, readable on one."""

import logging
import os
import sys

import structlog

# Chatty below what an operator can act on.
QUIET = {
    logging.WARNING: ("alembic", "uvicorn", "uvicorn.error"),
    logging.ERROR: ("httpcore", "httpx", "python_multipart", "pyvips", "asyncio", "uvicorn.access"),
}


def configure(level: str) -> None:
    """For this process; a second call replaces the first. Libraries' own records take the same form."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # The renderers escape what they print, so that no name or address can forge a line. Tracebacks show no local
    # variables, which are structlog's default: there are tokens and bodies among them.
    tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    last: list[structlog.types.Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if sys.stderr is not None and sys.stderr.isatty()
        else [_process_id, structlog.processors.ExceptionRenderer(tracebacks), structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Without a standard error there is nowhere to write.
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
