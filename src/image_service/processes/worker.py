"""One worker process: serves the application until a signal stops it."""

import math
import resource
import signal
import socket
import time
from types import FrameType

import uvicorn

from image_service.app import create_app
from image_service.edge.protocol import protocol_of
from image_service.processes.workers import BACKLOG, live_with_the_service
from image_service.settings import Settings
from image_service.telemetry import logs, metrics

KEEP_ALIVE_SECONDS = 65  # longer than a proxy's, so that it never writes to a closed connection

FILES_PER_CONNECTION = 2  # its socket, and the picture being sent
OTHER_FILES = 256  # database, pixel processes, fetches, incoming uploads


class Worker(uvicorn.Server):
    """uvicorn's server. On a stop signal it goes on serving for `STOP_DELAY`, but is no longer ready."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                lambda: create_app(settings, is_stopping=lambda: self.is_stopping),
                factory=True,
                backlog=BACKLOG,
                http=protocol_of(settings.connection_limits, settings.trusted_proxies),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                # uvicorn declares whole seconds, without a maximum.
                timeout_graceful_shutdown=math.ceil(settings.stop_grace),
            )
        )
        self._delay = settings.stop_delay
        self._leaves_at = math.inf

    @property
    def is_stopping(self) -> bool:
        return self._leaves_at < math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Overrides uvicorn's signal handler. `Workers` repeats the signal; only the first counts."""
        if not self.is_stopping:
            self._leaves_at = time.monotonic() + self._delay

    async def on_tick(self, counter: int) -> bool:
        """uvicorn calls this ten times a second; True stops it."""
        return await super().on_tick(counter) or time.monotonic() >= self._leaves_at


def run(settings: Settings, listener: socket.socket) -> None:
    """Run until SIGTERM or SIGINT. Exits with `NOT_STARTED` if the application cannot be built."""
    worker = Worker(settings)
    live_with_the_service()
    _allow_files(settings.connections * FILES_PER_CONNECTION + OTHER_FILES)
    for number in (signal.SIGINT, signal.SIGTERM):  # also before uvicorn sets them and after it resets them
        signal.signal(number, worker.handle_exit)
    logs.configure(settings.log_level, lost=metrics.LOG_LINES_LOST.inc)
    worker.run(sockets=[listener])


def _allow_files(wanted: int) -> None:
    """Raise the usual limit of 1,024 open files, which is meant for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
