"""nginx: serving a plain file, and with the project's own configuration before the service."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders.contender import Contender
from benchmarks.contenders.service import Service
from benchmarks.places import CHECKOUT, made
from benchmarks.processes import free_port, running

PLAIN = "nginx, plain file"
WITH_HEADERS = "nginx, file and headers"
FRONT = "nginx before it"
# Headers that nginx sends by itself.
OWN = frozenset(
    ("server", "date", "content-type", "content-length", "last-modified", "connection", "etag", "accept-ranges")
)

_PLAIN = """
worker_processes auto;
pid nginx.pid;
events { worker_connections 4096; }
http {
    types { image/jpeg jpg; }
    sendfile on;
    tcp_nopush on;
    access_log access.log;
    keepalive_requests 10000;
    server { listen 127.0.0.1:%d; root %s; %s }
}
"""


class NginxMissing(Exception):
    """nginx is not installed."""


@contextmanager
def _nginx(name: str, configuration: str, port: int, ready: str) -> Iterator[Contender]:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        raise NginxMissing("nginx is not installed: `apt-get install nginx-light` (Debian, Ubuntu)")
    folder = made("run", name.replace(" ", "-").replace(",", ""))
    (folder / "nginx.conf").write_text(configuration)
    as_root = " user root;" if os.geteuid() == 0 else ""  # the cache need not be open to other accounts
    command: list[str | Path] = [
        program,
        "-p",
        folder,
        "-c",
        "nginx.conf",
        "-g",
        f"daemon off;{as_root}",
        "-e",
        "stderr",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(name, command, url + ready, folder) as pid:
        yield Contender(name, url, (pid,))


@contextmanager
def plain(folder: Path, path: str, headers: Mapping[str, str] | None = None) -> Iterator[Contender]:
    """Serves what is in the folder, `path` among it; with these `headers` beside nginx' own."""
    port, name = free_port(), PLAIN if headers is None else WITH_HEADERS
    added = " ".join(f'add_header {key} "{value}";' for key, value in (headers or {}).items())
    with _nginx(name, _PLAIN % (port, folder, added), port, path) as contender:
        yield contender


@contextmanager
def before(service: Service) -> Iterator[Contender]:
    """deploy/nginx.conf, filled in as the official image does it."""
    port = free_port()
    values = {
        "NGINX_LISTEN": f"127.0.0.1:{port}",
        "NGINX_UPSTREAM": urlsplit(service.url).netloc,
        "NGINX_ROOT": str(service.public),
        "NGINX_MAX_BODY": "16m",
        "NGINX_TRUSTED_PROXY": "unix:",
        "IMAGE_SERVICE_NEGOTIATE_FORMATS": "true",
    }
    template = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    filled = re.sub(r"\$\{(\w+)\}", lambda match: values.get(match[1], match[0]), template)
    with _nginx(FRONT, filled, port, "/health/live") as contender:
        yield contender
