"""The wheel and the sdist as they would be published, and an empty environment with the wheel in it."""

import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.needs import need

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
UV = Path(sys.executable).parent / "uv"


@dataclass(frozen=True)
class Built:
    wheel: Path
    sdist: Path


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel and what it asks for, and an empty folder to work in."""

    bin: Path
    folder: Path


def uv(*arguments: str | Path, python: Path = Path(sys.executable)) -> None:
    """Skips (fails in CI) where uv lacks packages that neither its cache nor an index has."""
    # Not our own environment, which already has all that is to be shown to be brought along.
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    command = [UV, *arguments, "--quiet", "--no-progress", "--python", python]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    unreachable = ("Failed to fetch", "error sending request", "network was disabled", "connectivity is disabled")
    if any(sign in done.stderr for sign in unreachable):
        need(None, f"the packages of the build and the service, from a cache or an index; uv says: {done.stderr}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The wheel is built from the sdist, so that holds all that building needs."""
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "--out-dir", folder, ROOT)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Built(wheel, sdist)


@pytest.fixture(scope="session")
def installed(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """In the versions that are locked: what was released since must not decide over our tests."""
    folder = tmp_path_factory.mktemp("installed")
    environment, locked, work = folder / "venv", folder / "locked.txt", folder / "work"
    work.mkdir()
    export = ["export", "--frozen", "--no-dev", "--all-extras", "--no-emit-project", "--no-hashes", "--no-annotate"]
    uv(*export, "--output-file", locked)
    uv("venv", environment)
    wheel = f"{built.wheel}[embedded]"
    uv("pip", "install", "--constraints", locked, wheel, python=environment / "bin" / "python")
    return Installed(environment / "bin", work)
