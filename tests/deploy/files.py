"""What Dockerfile and docker-compose.yml say, so that a test can do it without Docker."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]


@dataclass
class Stage:
    """One `FROM` of the Dockerfile and what follows it, joined lines and all."""

    image: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def every(self, name: str) -> list[str]:
        return [value for instruction, value in self.instructions if instruction == name]

    def command(self, name: str) -> list[str]:
        """Of `ENTRYPOINT` or `CMD`, in the form without a shell."""
        [value] = self.every(name)
        words: list[str] = json.loads(value)
        return words

    @property
    def health_check(self) -> list[str]:
        [value] = self.every("HEALTHCHECK")
        words: list[str] = json.loads(value.partition(" CMD ")[2])
        return words

    @property
    def environment(self) -> dict[str, str]:
        pairs = [word.partition("=") for value in self.every("ENV") for word in shlex.split(value)]
        return {name: value for name, _, value in pairs}


def dockerfile() -> list[Stage]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        name, _, value = line.partition(" ")
        if name == "FROM":
            stages.append(Stage(value))
        elif name:
            stages[-1].instructions.append((name, value))
    return stages


def compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """docker-compose.yml with its `${NAME}` filled in, as `docker compose config` would."""

    def value(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        found = variables.get(name, "")
        assert found or kind == ":-", f"{name}: {rest}"
        return found or rest

    text = re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, (ROOT / "docker-compose.yml").read_text())
    document: dict[str, Any] = YAML(typ="safe").load(text)
    return document


def env_example(**filled: str) -> dict[str, str]:
    """deploy/env.example as an operator fills it in."""
    lines = [line for line in (ROOT / "deploy" / "env.example").read_text().splitlines() if line and line[0] != "#"]
    return {name: value for name, _, value in (line.partition("=") for line in lines)} | filled
