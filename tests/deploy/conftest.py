"""A service, and nginx before it, on ports of this machine."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.deploy.both import ROCKET, Front, Paths, StartNginx, uploaded
from tests.deploy.http import ask
from tests.deploy.needs import program
from tests.deploy.nginx import Nginx
from tests.processes import Server


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that other accounts may enter, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp(prefix="image-service-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def service(open_folder: Path) -> Iterator[Server]:
    program("nginx", "nginx")  # before anything is started in vain
    server = Server(open_folder / "service", INPUT_FORMATS="gif jpg png webp avif", LOG_LEVEL="debug")
    try:
        yield server.ready()
    finally:
        server.end()


@pytest.fixture(scope="session")
def start_nginx(open_folder: Path) -> Iterator[StartNginx]:
    """Starts one more, with changes to its configuration."""
    with ExitStack() as stack:

        def start(upstream: str, public: Path, **changes: str) -> Nginx:
            folder = Path(tempfile.mkdtemp(dir=open_folder)) / "nginx"
            folder.parent.chmod(0o755)
            nginx = Nginx(program("nginx", "nginx"), folder, upstream, public, **changes)
            stack.callback(nginx.end)
            return nginx

        yield start


@pytest.fixture(scope="session")
def front(service: Server, start_nginx: StartNginx) -> Front:
    port = urlsplit(service.url).port
    assert port
    public = service.data / "blobs" / "public"
    return Front(start_nginx(f"127.0.0.1:{port}", public), service, port, public)


@pytest.fixture(scope="module")
def rocket(front: Front) -> Paths:
    return uploaded(front, ROCKET)


@pytest.fixture(scope="module")
def warm(front: Front, rocket: Paths) -> str:
    """A JPEG that is rendered, in each format."""
    for format_ in ("jpg", "webp", "avif"):
        assert ask(front.port, rocket["640-0", format_]).status == 200
    return rocket["640-0", "jpg"]
