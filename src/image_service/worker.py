"""What one worker process does: serve the application until it is told to stop."""

import signal
import socket
from functools import partial

import uvicorn

from image_service import logs
from image_service.app import create_app
from image_service.settings import Settings
from image_service.workers import GRACE_SECONDS, live_with_the_service

BACKLOG = 2048  # connections that wait while all workers are busy
KEEP_ALIVE_SECONDS = 65  # longer than a proxy's own, so that it never writes to a closed connection


def run(settings: Settings, listener: socket.socket) -> None:
    """Until SIGTERM or SIGINT. Exits with `NOT_STARTED` when the application cannot be built."""
    server = uvicorn.Server(
        uvicorn.Config(
            partial(create_app, settings),
            factory=True,
            backlog=BACKLOG,
            http="httptools",
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

    def leave(number: int, frame: object) -> None:
        server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):  # while it serves, uvicorn's own handlers stand in for these
        signal.signal(number, leave)
    logs.configure(settings.log_level)
    server.run(sockets=[listener])
