"""`image-service upload`."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from image_service.cli import calling
from image_service.cli.calling import TokenStdin, Url
from image_service.cli.console import Json, print_json
from image_service.cli.importing.rows import Row
from image_service.cli.importing.service import Image, NoAnswer, Refused, Service
from image_service.database.limits import MAX_BIGINT

PATIENCE = 30.0  # seconds, while the service is busy or just starting


def upload(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Picture files.", exists=True, dir_okay=False, readable=True)
    ],
    product: Annotated[int, typer.Option("--product", help="Id of the product.", min=1, max=MAX_BIGINT)],
    url: Url = None,
    token_stdin: TokenStdin = False,
    as_json: Json = False,
) -> None:
    """Put pictures on a product of a running service, behind those that it has. Prints the URL of each.

    The same file again is another image. For many pictures see `import`, which knows what is in already.

    Exits 0 if all are in, 1 at the first that is not.
    """
    service = Service(calling.url_of(url), calling.token(from_stdin=token_stdin), concurrency=1, patience=PATIENCE)
    asyncio.run(send(files, product, service, as_json=as_json))


async def send(files: list[Path], product: int, service: Service, *, as_json: bool) -> None:
    """Raises as `Service.add` does, with the file's name."""
    made: list[Image] = []
    async with service:
        for number, path in enumerate(files, 1):
            try:
                image = await service.add(Row(number, product, str(path), (number,), path=path), uuid4().hex)
            except Refused as error:
                raise Refused(f"{path}: {error}") from error
            except NoAnswer as error:
                raise NoAnswer(f"{path}: no answer from {service.url}: {error}") from error
            made.append({name: image[name] for name in ("id", "position", "src")})
            if not as_json:
                typer.echo(image["src"])
    if as_json:
        print_json(made)
