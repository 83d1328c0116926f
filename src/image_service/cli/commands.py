"""All commands of `image-service`: names, modules and examples. Only the module of the command that is called is
imported: all together take a second, most of them a third.
"""

from importlib import import_module
from typing import NamedTuple

import typer

from image_service.cli.console import examples
from image_service.cli.program import app


class _Command(NamedTuple):
    place: str
    """Module and function, or group of commands, in this package."""
    examples: tuple[str, ...] = ()


_COMMANDS = {
    "stores": _Command("stores:stores"),
    "jobs": _Command("jobs:jobs"),
    "migrate": _Command(
        "migrate:migrate", ("IMAGE_SERVICE_DATABASE_URL=postgresql://user:password@host/name image-service migrate",)
    ),
    "import": _Command(
        "importing.command:import_images",
        (
            "image-service import photos.csv    # with the token in IMAGE_SERVICE_TOKEN",
            "image-service import photos/ --url https://images.example.com --token-stdin < token.txt",
            "image-service import photos.csv --dry-run",
        ),
    ),
    "upload": _Command(
        "upload:upload",
        (
            "image-service upload front.jpg side.jpg --product 1234    # with the token in IMAGE_SERVICE_TOKEN",
            "image-service upload front.jpg --product 1234 --url https://images.example.com --token-stdin < token.txt",
        ),
    ),
    "sync": _Command(
        "syncing.command:sync",
        (
            "image-service sync galleries.csv --dry-run    # with the token in IMAGE_SERVICE_TOKEN",
            "image-service sync galleries.csv --missing keep --refetch never",
        ),
    ),
    "export": _Command(
        "syncing.command:export",
        ("image-service export galleries.csv", "image-service export --ndjson > galleries.ndjson"),
    ),
    "doctor": _Command("doctor.command:doctor", ("image-service doctor", "image-service doctor --json")),
    "openapi": _Command("openapi:openapi", ("image-service openapi > openapi.json",)),
    "sweep": _Command("sweep:sweep", ("image-service sweep --dry-run", "image-service sweep --json")),
    "verify": _Command(
        "verify:verify",
        ("image-service verify", "image-service verify --sample 1% --read", "image-service verify --json"),
    ),
    "copy-storage": _Command(
        "copy_storage:copy_storage",
        ("image-service copy-storage file:///srv/data/blobs s3://bucket/prefix --quick",),
    ),
}


def program(called: str | None) -> typer.Typer:
    """Return the program with the command that is `called`, or, for its help and for any other name, with all."""
    for name in [called] if called in _COMMANDS else _COMMANDS:
        module, _, function = _COMMANDS[name].place.partition(":")
        command = getattr(import_module(f"{__package__}.{module}"), function)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, epilog=examples(*_COMMANDS[name].examples))(command)
    return app
