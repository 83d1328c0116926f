"""What one worker process does: serve the application until it is told to stop."""

import math
import resource
import signal
import socket
import time
from types import FrameType

import uvicorn

from image_service.app import create_app
from image_service.edge.protocol import protocol_of
from image_service.processes.supervisor import BACKLOG, live_with_the_service
from image_service.settings import Settings
from image_service.telemetry import logs

KEEP_ALIVE_SECONDS = 65  # longer than a proxy's own, so that it never writes to a closed connection

FILES_PER_CONNECTION = 2  # its socket, and the picture that goes out over it
OTHER_FILES = 256  # the database's, the pixel processes', fetches, uploads on their way in


class Worker(uvicorn.Server):
    """uvicorn's server, which when told to end first goes on as before for `STOP_DELAY`, but is no longer ready."""

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
                # uvicorn types whole seconds, and waits for any number of them.
                timeout_graceful_shutdown=math.ceil(settings.stop_grace),
            )
        )
        self._delay = settings.stop_delay
        self._leaves_at = math.inf

    @property
    def is_stopping(self) -> bool:
        return self._leaves_at < math.inf

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn's own handler of signals. We are told again and again (see `Workers`): the first counts."""
        if not self.is_stopping:
            self._leaves_at = time.monotonic() + self._delay

    async def on_tick(self, counter: int) -> bool:
        """uvicorn asks this ten times a second: is it time to leave?"""
        return await super().on_tick(counter) or time.monotonic() >= self._leaves_at


def run(settings: Settings, listener: socket.socket) -> None:
    """Until SIGTERM or SIGINT. Exits with `NOT_STARTED` when the application cannot be built."""
    worker = Worker(settings)
    live_with_the_service()
    _allow_files(settings.connections * FILES_PER_CONNECTION + OTHER_FILES)
    for number in (signal.SIGINT, signal.SIGTERM):  # also before uvicorn has set them, and after it has reset them
        signal.signal(number, worker.handle_exit)
    logs.configure(settings.log_level)
    worker.run(sockets=[listener])


def _allow_files(wanted: int) -> None:
    """The usual limit of 1,024 open files is for programs that use `select`; we may have more if we ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
