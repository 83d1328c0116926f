"""What all commands share: settings out of the environment, a running database, how results are printed."""

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
    """The environment, and over it the command line. Raises `ValueError`, which names the variable."""
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
    """From the environment, with a running database."""
    logs.configure("warning")
    with database_running(read_settings()) as running:
        yield running


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, default=str))


def examples(*lines: str) -> str:
    """For the end of a command's help, as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
