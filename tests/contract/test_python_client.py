"""A Python client generated from the description, checked, and used against a running service."""

import shutil
from pathlib import Path

import pytest

from tests.contract.conftest import HERE, PROGRAMS, Run
from tests.processes import Server
from tests.shop import png


@pytest.fixture(scope="module")
def project(python_tool: Run, description: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program beside the client that was made for it."""
    folder = tmp_path_factory.mktemp("python-client")
    done = python_tool(
        "openapi-python-client", "generate", "--path", description, "--output-path", folder / "image_service_client",
        "--meta", "none", "--config", HERE / "python_client.yaml", "--fail-on-warning",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(PROGRAMS / "gallery.py", folder)
    return folder


def test_client_and_program_type_check(python_tool: Run, project: Path) -> None:
    done = python_tool("mypy", "--config-file", HERE / "mypy.ini", "image_service_client", "gallery.py", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr


def test_upload_list_move_delete(python_tool: Run, project: Path, server: Server) -> None:
    (project / "shoe.png").write_bytes(png())
    done = python_tool("python", "gallery.py", server.url, server.token, "shoe.png", folder=project)
    assert done.returncode == 0, done.stdout + done.stderr
