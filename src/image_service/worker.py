"""What one worker process does: serve the application until it is told to stop."""

import resource
import signal
import socket
from functools import partial

import uvicorn

from image_service import logs
from image_service.app import create_app
from image_service.edge.protocol import protocol_of
from image_service.settings import Settings
from image_service.workers import GRACE_SECONDS, live_with_the_service

BACKLOG = 2048  # connections that wait while all workers are busy
KEEP_ALIVE_SECONDS = 65  # longer than a proxy's own, so that it never writes to a closed connection

FILES_PER_CONNECTION = 2  # its socket, and the picture that goes out over it
OTHER_FILES = 256  # the database's, the pixel processes', fetches, uploads on their way in


def run(settings: Settings, listener: socket.socket) -> None:
    """Until SIGTERM or SIGINT. Exits with `NOT_STARTED` when the application cannot be built."""
    server = uvicorn.Server(
        uvicorn.Config(
            partial(create_app, settings),
            factory=True,
            backlog=BACKLOG,
            http=protocol_of(settings.connection_limits),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )

    live_with_the_service()
    _allow_files(settings.connections * FILES_PER_CONNECTION + OTHER_FILES)

    def leave(number: int, frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):  # while it serves, uvicorn's own handlers stand in for these
        signal.signal(number, leave)
    logs.configure(settings.log_level)
    server.run(sockets=[listener])


def _allow_files(wanted: int) -> None:
    """The usual limit of 1,024 open files is for programs that use `select`; we may have more if we ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
