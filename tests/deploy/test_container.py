"""The image does what docker-compose.yml asks of it: built, started, asked how it is, used and stopped as there."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import PHOTOS
from tests.deploy import container
from tests.deploy.files import compose, dockerfile, env_example
from tests.deploy.needs import need
from tests.deploy.nginx import free_port
from tests.deploy.postgres import PASSWORD, OwnPostgres
from tests.processes import DEADLINE, eventually, family

TOKEN = "token-of-the-first-store"


@dataclass
class Running:
    process: "subprocess.Popen[bytes]"
    bin: Path
    environment: dict[str, str]
    data: Path
    log: Path
    read_only: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.environment['IMAGE_SERVICE_PORT']}"

    def healthy(self, **changes: str) -> bool:
        """What the image's health check says."""
        program, *arguments = dockerfile()[-1].health_check
        done = subprocess.run(
            [self.bin / program, *arguments],
            env=self.environment | changes,
            check=False,
            capture_output=True,
            timeout=9,
        )
        return done.returncode == 0


def _error(failed: subprocess.CalledProcessError) -> str:
    lines: list[str] = failed.stderr.decode().splitlines()
    return next((line for line in lines if line.startswith("error:")), lines[-1] if lines else str(failed))


@pytest.fixture(scope="module")
def postgres(open_folder: Path) -> Iterator[OwnPostgres]:
    postgres = OwnPostgres(open_folder)
    yield postgres
    postgres.end()


@pytest.fixture(scope="module")
def running(open_folder: Path, postgres: OwnPostgres) -> Iterator[Running]:
    python = container.interpreter()
    need(python, "a Python that users other than root can run")
    assert python
    try:
        binaries = container.build(dockerfile()[0], open_folder / "app", python)
    except subprocess.CalledProcessError as error:
        need(None, f"the locked packages, from a cache or an index; uv says: {_error(error)}")
        raise
    data, tmp = open_folder / "data", open_folder / "tmp"
    data.mkdir()
    tmp.mkdir()
    tmp.chmod(0o1777)
    filled = env_example(POSTGRES_PASSWORD=PASSWORD, IMAGE_SERVICE_BOOTSTRAP_TOKEN=TOKEN)
    service = compose(filled)["services"]["service"]
    image = dockerfile()[-1].environment
    environment = {**image, **filled, **service["environment"]}
    # Only where it runs is ours: loopback, a free port, folders of the test.
    environment |= {
        "PATH": image["PATH"].replace("/app/.venv/bin", str(binaries)).replace("$PATH", os.defpath),
        "IMAGE_SERVICE_HOST": "127.0.0.1",
        "IMAGE_SERVICE_PORT": str(free_port()),
        "IMAGE_SERVICE_DATA_DIR": str(data),
        "IMAGE_SERVICE_DATABASE_URL": environment["IMAGE_SERVICE_DATABASE_URL"].replace(
            "@database/", f"@127.0.0.1:{postgres.port}/"
        ),
    }
    [program], arguments = dockerfile()[-1].command("ENTRYPOINT"), dockerfile()[-1].command("CMD")
    read_only = container.can_be_read_only()
    log = open_folder / "container.log"
    process = container.start([str(binaries / program), *arguments], environment, data, tmp, log, read_only=read_only)
    running = Running(process, binaries, environment, data, log, read_only)

    def is_up() -> bool:
        assert process.poll() is None, log.read_text()
        return running.healthy()

    try:
        eventually(is_up)
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(DEADLINE)


def test_its_health_check_needs_the_service(running: Running) -> None:
    assert running.healthy()
    assert not running.healthy(IMAGE_SERVICE_PORT=str(free_port()))


def test_the_databases_health_check(postgres: OwnPostgres) -> None:
    words = compose(env_example(POSTGRES_PASSWORD=PASSWORD))["services"]["database"]["healthcheck"]["test"]
    assert words[:2] == ["CMD", "pg_isready"]
    program = str(postgres.directory / "pg_isready")
    for port, status in ((postgres.port, 0), (free_port(), 2)):
        done = subprocess.run([program, *words[2:], f"--port={port}"], check=False, timeout=DEADLINE)
        assert done.returncode == status


def test_the_first_store_takes_pictures_and_renders_them(running: Running) -> None:
    photo = (PHOTOS / "rocket.jpg").read_bytes()
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=DEADLINE) as client:
        made = client.post("/products/1/images?fields=all", files={"file": ("rocket.jpg", photo)})
        assert made.status_code == 201, made.text
        image: dict[str, Any] = made.json()
        base = running.environment["IMAGE_SERVICE_DELIVERY_URL"]
        assert image["src"].startswith(base)
        for variant in image["variants"]:
            assert client.get(variant["url"].removeprefix(base)).status_code == 200
    blobs = running.data / "blobs"
    rendered = blobs / "public" / image["src"].removeprefix(base + "/")
    assert rendered.stat().st_mode & 0o777 == 0o644
    for folder in rendered.relative_to(blobs).parents:
        assert (blobs / folder).stat().st_mode & 0o777 == 0o755, folder  # nginx is another user
    assert (blobs / "private").stat().st_mode & 0o777 == 0o700
    assert list((running.data / "staging").iterdir()) == []


def test_no_process_of_it_is_root(running: Running) -> None:
    if os.geteuid() != 0:
        assert 0 not in container.accounts(list(family(running.process.pid)))
        return
    assert container.accounts(list(family(running.process.pid))) == {container.ACCOUNT}


def test_it_runs_where_nothing_else_can_be_written(running: Running) -> None:
    if not running.read_only:
        pytest.skip("this machine lets nobody mount")  # no package would change that
    mounts = Path(f"/proc/{running.process.pid}/mounts").read_text().splitlines()
    [options] = [line.split()[3] for line in mounts if line.split()[1] == "/"]
    assert options.split(",")[0] == "ro"
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    assert "CapBnd:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_its_log_is_json_and_has_no_secret(running: Running) -> None:
    text = running.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [line for line in lines if line["event"] == "starting"]
    assert TOKEN not in text
    assert PASSWORD not in text


def test_it_stops_in_time(running: Running) -> None:
    """Last: with the signal that Docker sends."""
    running.process.terminate()
    assert running.process.wait(DEADLINE) == 0
    lines = [json.loads(line) for line in running.log.read_text().splitlines() if line.startswith("{")]
    assert lines[-1]["event"] == "stopped"
