"""The command line as a person meets it: help with examples, completion in a real shell."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from tests.processes import DEADLINE, PROGRAM, command

COMMANDS = (
    "serve", "migrate", "import", "upload", "doctor", "openapi", "sweep", "verify", "copy-storage", "stores add",
    "stores list", "stores set", "stores tokens", "stores token", "stores revoke", "stores remove",
)  # fmt: skip
SHELL = (Path(__file__).parents[1] / "docs" / "shell.md").read_text()


def bash(script: str, home: Path) -> str:
    """What a user's bash prints, with the program on its path."""
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(home), "SHELL": "/bin/bash"}
    done = subprocess.run(
        ["bash", "-ec", script], env=environment, check=True, capture_output=True, text=True, timeout=DEADLINE
    )
    return done.stdout


@needs(shutil.which("bash") is not None, "bash")
def test_bash_completes_commands_and_options(tmp_path: Path) -> None:
    bash("image-service --install-completion bash; true", tmp_path)  # `true`: so that bash itself is its parent
    said = bash(
        """
        source ~/.bashrc
        complete_with() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "$function" "$1"; echo "${COMPREPLY[@]}"; }
        function=$(complete -p image-service | sed 's/.*-F \\([^ ]*\\).*/\\1/')
        complete_with image-service imp
        complete_with image-service import --dry
        """,
        tmp_path,
    )
    assert said.splitlines() == ["import", "--dry-run"]


def test_every_command_has_help_with_examples_of_its_own(tmp_path: Path) -> None:
    top = command(tmp_path, "--help").out
    assert all(f"\n  {name.split()[0]} " in top for name in COMMANDS)
    for name in COMMANDS:
        help_ = command(tmp_path, *name.split(), "--help").out
        assert f"Usage: image-service {name}" in help_
        examples = help_.partition("Examples:\n")[2].splitlines()
        assert examples
        assert all(f"image-service {name}" in line for line in examples if line)


@pytest.mark.parametrize("code", ["0", "1", "2", "130"])
def test_exit_codes_are_told_in_the_help_and_in_the_docs(tmp_path: Path, code: str) -> None:
    assert any(line.split()[:1] == [code] for line in command(tmp_path, "--help").out.splitlines())
    assert f"\n| {code} |" in SHELL


def test_the_page_names_every_command() -> None:
    section = SHELL.split("## Import")[0]
    words = shlex.split(section.replace("`", " ").replace("'", " "), comments=False)
    assert {name.split()[-1] for name in COMMANDS} <= set(words)
