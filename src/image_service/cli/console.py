"""Shared by all commands: settings from the environment, a running database, printing."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console

from image_service.processes.serve import database_running
from image_service.settings import PREFIX, Settings, unknown_variables
from image_service.telemetry import logs

out = Console(soft_wrap=True, highlight=False)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def read_settings(**given: Any) -> Settings:
    """Settings from the environment; `given` overrides it. Raises `ValueError`, which names the variable."""
    if unknown := unknown_variables():
        raise ValueError(f"{', '.join(unknown)}: there is no such setting")
    try:
        return Settings.model_validate({name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        findings = (
            (
                each["msg"].removeprefix("Value error, "),
                PREFIX + str(each["loc"][0]).upper() if each["loc"] else "",
            )
            for each in error.errors()
        )
        raise ValueError("; ".join(f"{name}: {message}" if name else message for message, name in findings)) from None


@contextmanager
def settings_with_database() -> Iterator[Settings]:
    """Settings from the environment, with a running database."""
    logs.configure("warning")
    with database_running(read_settings()) as running:
        yield running


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=str))


def examples(*lines: str) -> str:
    """Unformatted examples for the end of a command's help."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
