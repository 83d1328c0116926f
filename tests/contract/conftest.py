"""The description as a file, and the tools of its readers: from npm, and from PyPI in an environment of their own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.needs import need, program
from tests.npm import npm_packages
from tests.processes import Server, command

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
MIN_NODE = 20  # what the linters run on
QUIET = {  # the tools tell nobody what they do, and do not ask for newer ones
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "NO_COLOR": "1",
    "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # they end before more would be worth while
}

Run = Callable[..., subprocess.CompletedProcess[str]]


def run(*words: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
    """A program to its end, whatever that is."""
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="session")
def description(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("description")
    done = command(folder, "openapi", output=folder / "openapi.json")
    assert done.status == 0, done.err
    return folder / "openapi.json"


@pytest.fixture(scope="session")
def npm_tool() -> Run:
    """Runs one of package.json's tools."""
    version = run(program("node", "nodejs"), "--version").stdout
    need(int(re.sub(r"^v(\d+).*", r"\1", version.strip())) >= MIN_NODE, f"node {MIN_NODE} or later")
    modules = npm_packages(HERE)

    def tool(name: str, *words: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
        return run(modules / ".bin" / name, *words, folder=folder)

    return tool


@pytest.fixture(scope="session")
def python_tool(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs a program of an environment that has what requirements.txt pins, and nothing of ours."""
    uv = Path(sys.executable).parent / "uv"
    environment = tmp_path_factory.mktemp("tools") / "venv"
    done = run(uv, "venv", "--quiet", "--python", sys.executable, environment)
    assert done.returncode == 0, done.stderr
    done = run(uv, "pip", "install", "--quiet", "--python", environment, "-r", HERE / "requirements.txt")
    need(done.returncode == 0, f"the packages of {HERE.name}/requirements.txt: {done.stderr[-500:]}")

    def tool(name: str, *words: str | Path, folder: Path = HERE) -> subprocess.CompletedProcess[str]:
        return run(environment / "bin" / name, *words, folder=folder)

    return tool


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("contract-server"))
    try:
        yield started.ready()
    finally:
        started.end()
