"""The description by the rules of two linters: no error, no warning. Exceptions have their reasons in the settings."""

import json
from pathlib import Path

from tests.contract.conftest import HERE, Run


def test_spectral(npm_tool: Run, description: Path) -> None:
    """OpenAPI allows relative URLs ("Relative References in URLs"), but the schema that spectral brings has `uri` for
    those of `externalDocs`. Ours are relative because the document is the same for every installation.
    """
    done = npm_tool("spectral", "lint", "--ruleset", HERE / "spectral.yaml", "--format", "json", description)
    found = json.loads(done.stdout.removesuffix("No results with a severity of 'error' found!\n"))
    relative = [each for each in found if each["path"][-2:] == ["externalDocs", "url"]]
    assert {each["message"] for each in relative} == {'"url" property must match format "uri".'}
    assert [each for each in found if each not in relative] == [], done.stderr


def test_redocly(npm_tool: Run, description: Path) -> None:
    done = npm_tool("redocly", "lint", "--config", HERE / "redocly.yaml", "--format", "json", description)
    found = json.loads(done.stdout)
    assert found["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, found["problems"]
