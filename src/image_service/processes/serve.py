"""A running service: this process owns the database and the workers."""

import os
import shlex
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import structlog

from image_service.pixels.cage.privileges import close_memory
from image_service.postgres.embedded import DataDirectoryInUse, EmbeddedPostgres
from image_service.processes import targets
from image_service.processes.asking import ask
from image_service.processes.signals import StopSignals
from image_service.processes.workers import BACKLOG, Workers
from image_service.settings import TOKEN_VARIABLE, Settings
from image_service.stores.new_store import NewStore
from image_service.telemetry import metrics

log = structlog.get_logger()

OTHER_CONNECTIONS = 20  # to the embedded database: the CLI, migrations, the start itself
JOIN_SECONDS = 30  # for a service that is just starting or stopping

SAMPLE = Path(__file__).parents[1] / "site" / "static" / "sample.jpg"


def embedded_folder(settings: Settings) -> Path:
    return settings.data_dir / "postgres"


@contextmanager
def database_running(settings: Settings) -> Iterator[Settings]:
    """The settings with a `database_url`: the configured one, or the private PostgreSQL's, joined or started.

    The process that started it stops it. Raises `EmbeddedPostgresError`.
    """
    if settings.database_url is not None:
        yield settings
        return
    postgres = None
    deadline = time.monotonic() + JOIN_SECONDS
    while not (url := EmbeddedPostgres.join(embedded_folder(settings))):
        postgres = _embedded(settings)
        try:
            postgres.start()
        except DataDirectoryInUse:
            if time.monotonic() > deadline:
                raise
            postgres = None
            time.sleep(0.1)
        else:
            url = postgres.url
            break
    try:
        yield settings.model_copy(update={"database_url": url})
    finally:
        if postgres is not None:
            postgres.stop()


def _embedded(settings: Settings) -> EmbeddedPostgres:
    return EmbeddedPostgres(
        embedded_folder(settings), max_connections=settings.database_connections + OTHER_CONNECTIONS
    )


def serve(settings: Settings) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP. Stop in order, the embedded database last.

    Raises `OSError` if it cannot listen, `EmbeddedPostgresError`, `ProcessFailed`, `WorkersFailed`.
    """
    close_memory()  # the environment and memory hold secrets
    with StopSignals() as stop, _bound(settings) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        try:
            log.info("starting", version=version("image-service"), url=settings.api_base, workers=settings.workers)
            if settings.database_url is not None:
                _run(settings, listener, stop)
            else:
                _listen(listener, settings)  # no replica can answer meanwhile
                _run_with_postgres(settings, listener, stop)
        except KeyboardInterrupt:
            pass  # during the start
        log.info("stopped")


def _run_with_postgres(settings: Settings, listener: socket.socket, stop: StopSignals) -> None:
    postgres = _embedded(settings)
    postgres.start()
    try:
        with_url = settings.model_copy(update={"database_url": postgres.url})
        _run(with_url, listener, stop, own_database=True)
    finally:
        stop.defer()
        postgres.stop()


def _run(settings: Settings, listener: socket.socket, stop: StopSignals, *, own_database: bool = False) -> None:
    made = ask(targets.prepare, settings, own_database=own_database, ended=metrics.forget)
    _listen(listener, settings)
    stop.defer()  # a new token must be shown
    _greet(settings, made)
    running = Workers(settings.workers, targets.work, settings, listener, ended=_replaced)
    # Close the listener once no worker listens: new connections must not wait until this process ends.
    running.run(stop.reader, delay=settings.stop_delay, grace=settings.stop_grace, drained=listener.close)


def _replaced(pid: int) -> None:
    metrics.WORKERS_REPLACED.inc()
    metrics.forget(pid)


@contextmanager
def _bound(settings: Settings) -> Iterator[socket.socket]:
    """The service's socket. Takes the port first: a second service fails before it touches data, unless both are
    starting.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        with _port_errors(settings):
            listener.bind((settings.host, settings.port))
        yield listener


def _listen(listener: socket.socket, settings: Settings) -> None:
    """Let connections wait for a worker. Until then they are refused, so that nginx asks another replica: a migration
    may take minutes. Has no effect the second time.
    """
    with _port_errors(settings):
        listener.listen(BACKLOG)


@contextmanager
def _port_errors(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OSError(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}") from error


def _greet(settings: Settings, made: NewStore | None) -> None:
    base = settings.api_base
    gallery = f"   gallery: {base}/gallery" if settings.gallery else ""
    lines = [f"image-service at {base}   API: {base}/docs{gallery}"]
    if made is not None and settings.bootstrap_token is None:
        bearer = f"curl -H 'Authorization: Bearer {made.token}'"
        sample, program = (shlex.quote(str(path)) for path in (SAMPLE, Path(sys.argv[0]).absolute()))
        lines += [
            f"Store {made.store_id} was made. Its token, shown this once: {made.token}",
            "Upload a picture:",
            f"  {bearer} -F file=@{sample} {base}/products/1/images",
            "Or, without curl:",
            f"  {TOKEN_VARIABLE}={made.token} {program} upload {sample} --product 1 --url {base}",
            "List it:",
            f"  {bearer} {base}/products/1/images",
        ]
    if sys.stdout is not None and sys.stdout.isatty():
        lines.append("Ctrl-C stops the service; all data stay.")
    if sys.stdout is None:
        return
    try:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
    except OSError as error:  # a pipe without a reader: serve anyway
        log.warning("standard output cannot be written; `stores token ID` makes a token", reason=str(error))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # avoids an error at exit
