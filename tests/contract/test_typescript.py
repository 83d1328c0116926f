"""A TypeScript program that knows the API from its description alone."""

import shutil
from pathlib import Path

import pytest

from tests.contract.conftest import PROGRAMS, Run

TSC = ("--noEmit", "--strict", "--exactOptionalPropertyTypes", "--target", "es2022", "--module", "esnext")
LIBRARIES = ("--moduleResolution", "bundler", "--lib", "es2022,dom,dom.iterable")


@pytest.fixture(scope="module")
def project(npm_tool: Run, description: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program beside the types that were made for it."""
    folder = tmp_path_factory.mktemp("typescript")
    done = npm_tool("openapi-typescript", description, "--output", folder / "api.ts")
    assert done.returncode == 0, done.stderr
    shutil.copy(PROGRAMS / "gallery.ts", folder)
    return folder


def test_a_program_type_checks_and_a_mistake_does_not(npm_tool: Run, project: Path) -> None:
    """What is optional or null is known to be so."""
    (project / "mistake.ts").write_text(
        'import type { components } from "./api";\n'
        'declare const image: components["schemas"]["ImageBody"];\n'
        "export const last: number = image.position - 1;\n"
    )
    done = npm_tool("tsc", *TSC, *LIBRARIES, "gallery.ts", "mistake.ts", folder=project)
    [said] = done.stdout.splitlines()
    assert said.startswith("mistake.ts(3,")
    assert "possibly 'null'" in said
