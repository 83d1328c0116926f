"""The wheel in an empty environment, far from the checkout: every command that an operator starts with."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.packaging.conftest import PROJECT, ROOT, Installed
from tests.processes import DEADLINE, Server, command, environment, paste


def run(installed: Installed, *arguments: str) -> str:
    done = subprocess.run(
        [installed.bin / "image-service", *arguments],
        cwd=installed.folder,
        env=environment(installed.folder / "data"),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def server(installed: Installed) -> Iterator[Server]:
    """On a data directory that `migrate` has made ready."""
    folder = installed.folder / "service"
    folder.mkdir()
    run(Installed(installed.bin, folder), "migrate")
    server = Server(folder, program=[installed.bin / "image-service"])
    try:
        yield server.ready()
    finally:
        server.end()


def test_nothing_comes_from_the_checkout(installed: Installed) -> None:
    asked = (
        "import image_service; from image_service.database.migration_scripts import FOLDER;"
        "print(image_service.__path__[0], FOLDER)"
    )
    found = subprocess.check_output([installed.bin / "python", "-c", asked], cwd=installed.folder, text=True).split()
    assert len(found) == 2
    for each in found:
        assert Path(each).is_relative_to(installed.bin.parent)
        assert not Path(each).is_relative_to(ROOT)


def test_version(installed: Installed) -> None:
    assert run(installed, "--version") == f"{PROJECT['version']}\n"


def test_openapi(installed: Installed, tmp_path: Path) -> None:
    assert json.loads(run(installed, "openapi")) == command(tmp_path, "openapi").json


def test_the_printed_lines_upload_the_sample_that_came_along_and_list_it(server: Server, installed: Installed) -> None:
    upload, listing = [line.strip() for line in server.printed.splitlines() if line.strip().startswith("curl ")]
    sample = re.search(r"file=@(\S+)", upload)
    assert sample
    assert Path(sample[1]).is_relative_to(installed.bin.parent)
    made = paste(upload)
    assert [image["id"] for image in paste(listing)] == [made["id"]]
    answer = httpx.get(made["src"], timeout=DEADLINE).raise_for_status()
    assert answer.headers["Content-Type"] == "image/jpeg"
    with Image.open(BytesIO(answer.content)) as picture:
        assert picture.size == (600, 400)


def test_the_documentation_page_and_all_its_files(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=DEADLINE) as client:
        page = client.get("/docs").raise_for_status().text
        named = set(re.findall(r'(?:href|src)="([^"#]+)"', page))
        assert len([name for name in named if "static/" in name]) == 5
        assert "openapi.json" in named
        for name in named:
            assert client.get(name).raise_for_status().content, name


def test_it_stops_cleanly(installed: Installed, tmp_path: Path) -> None:
    server = Server(tmp_path / "service", program=[installed.bin / "image-service"], new=True)
    try:
        server.ready()
        assert server.stop(signal.SIGTERM) == 0
    finally:
        server.end()
    log = (server.postgres / "postgres.log").read_text()
    assert "database system is shut down" in log.splitlines()[-1]
    assert not server.logged(level="error")
