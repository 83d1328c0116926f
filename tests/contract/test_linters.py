"""The description by the rules of two linters: no error, no warning. Exceptions have their reasons in the settings."""

import json
from pathlib import Path

from tests.contract.conftest import HERE, Run


def test_spectral(npm_tool: Run, description: Path) -> None:
    done = npm_tool(
        "spectral",
        "lint",
        "--ruleset",
        HERE / "spectral.yaml",
        "--fail-severity",
        "hint",
        "--format",
        "text",
        description,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_redocly(npm_tool: Run, description: Path) -> None:
    done = npm_tool("redocly", "lint", "--config", HERE / "redocly.yaml", "--format", "json", description)
    found = json.loads(done.stdout)
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, found["problems"]
