"""Clients that openapi-generator made from the description, used against a running service."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.conftest import PROGRAMS, Run, run
from tests.deploy.needs import program
from tests.processes import Server
from tests.shop import png

Generate = Callable[..., Path]
# A form beside JSON is imported, but not generated unless it is asked for.
FORMS = ("--global-property", "skipFormModel=false")
RUN = """
const { readFile } = require("node:fs/promises");
const [url, token, path] = process.argv.slice(2);
readFile(path).then((bytes) => require("./made/uploads.js").main(url, token, new Blob([bytes])));
"""


@pytest.fixture
def generate(python_tool: Run, description: Path, tmp_path: Path) -> Generate:
    """Into a folder of its own, whose parent has a picture."""
    (tmp_path / "shoe.png").write_bytes(png())

    def generated(language: str, *options: str) -> Path:
        done = python_tool(
            "openapi-generator-cli", "generate", "-i", description, "-g", language, "-o", tmp_path / "client", *options
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path

    return generated


def test_python(generate: Generate, python_tool: Run, server: Server) -> None:
    folder = generate("python")
    shutil.copy(PROGRAMS / "uploads.py", folder / "client")
    done = python_tool("python", "uploads.py", server.url, server.token, folder / "shoe.png", folder=folder / "client")
    assert done.returncode == 0, done.stdout + done.stderr


def test_typescript(generate: Generate, npm_tool: Run, server: Server) -> None:
    folder = generate("typescript-fetch", *FORMS)
    shutil.copy(PROGRAMS / "uploads.ts", folder)
    done = npm_tool(
        "tsc", "--strict", "--target", "es2022", "--lib", "es2022,dom,dom.iterable", "--module", "commonjs",
        "--moduleResolution", "node10", "--outDir", "made", "uploads.ts", folder=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (folder / "run.cjs").write_text(RUN)
    done = run(program("node", "nodejs"), "run.cjs", server.url, server.token, "shoe.png", folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
