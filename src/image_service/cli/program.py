"""The program and its first command, which runs the service. `commands` adds the others."""

from importlib.metadata import version
from typing import Annotated

import typer

from image_service.cli.console import examples, read_settings
from image_service.processes.serve import serve as run_service
from image_service.storage.places import storage_at
from image_service.telemetry import logs

# Plain-text help: the same in a pipe, and examples stay unformatted.
app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("image-service"))
        raise typer.Exit


@app.callback()
def every_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Product images: accepted, checked, kept in order, and served in every size.

    Settings are environment variables, IMAGE_SERVICE_*; docs/settings.md lists them all.

    \b
    Exit codes:
      0    all went well
      1    something did not; standard error says what, in a line
      2    the command line cannot be read
      130  ended by Ctrl-C
    """


@app.command(epilog=examples("image-service serve", "image-service serve --host 0.0.0.0 --port 80 --workers 4"))
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0: any free port.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes that answer requests.")] = None,
) -> None:
    """Run the service. Without a DATABASE_URL it brings its own PostgreSQL."""
    settings = read_settings(host=host, port=port, workers=workers)
    logs.configure(settings.log_level)
    storage_at(settings.storage_url, settings.data_dir)  # reports an unusable STORAGE_URL before anything starts
    run_service(settings)
