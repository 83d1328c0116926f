"""`image-service verify`."""

import time
from typing import Annotated

import typer
from rich.console import Console

from image_service.cli.console import Json, out, print_json
from image_service.cli.database import with_database
from image_service.database.database import Database
from image_service.images.upkeep import verifying
from image_service.images.upkeep.verifying import Verification
from image_service.settings import Settings
from image_service.storage.places import storage_at

err = Console(stderr=True, soft_wrap=True, highlight=False)


def percent(said: str) -> float:
    """`1%` is 0.01."""
    try:
        share = float(said.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not said.endswith("%") or not 0 < share <= 1:
        raise typer.BadParameter("more than 0% and at most 100%, such as 1%")
    return share


def verify(
    sample: Annotated[
        str, typer.Option(metavar="PERCENT", help="Check only a random part of the originals, such as 1%.")
    ] = "100%",
    read: Annotated[bool, typer.Option("--read", help="Read all bytes, also where a bucket has a checksum.")] = False,
    rate: Annotated[float | None, typer.Option(min=0.001, help="Originals a second, at most.")] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Start again; do not continue a stopped run.")] = False,
    as_json: Json = False,
) -> None:
    """Compare every original with its SHA-256. Exits 1 if one is damaged or missing.

    On a disk, reads the bytes. On S3, compares the size and the checksum stored with the object; reads the bytes of
    objects without one.
    """

    share = percent(sample)

    async def work(settings: Settings, database: Database) -> Verification:
        storage = storage_at(settings.storage_url, settings.data_dir)
        return await verifying.run(database, storage, share=share, read=read, rate=rate, anew=restart, say=_goes_on)

    ended = with_database(work)
    whole = ended.counts["whole"]
    bad = ended.done - whole
    if as_json:
        print_json({"whole": whole, "read": ended.bytes_read, "sample": ended.share, "bad": ended.bad})
    else:
        for each in ended.bad:
            out.print(f"{each['state']}: image {each['image_id']} of store {each['store_id']}, {each['blob']}")
        if bad > len(ended.bad):
            out.print(f"... and {bad - len(ended.bad)} more.")
        by_checksum = ended.done - ended.bytes_read
        how = f" {by_checksum} were compared by the store's checksum, not read." if by_checksum else ""
        of = "" if ended.share == 1 else f" This was a sample of {ended.share:.3%}."
        out.print(f"{whole} originals are whole, {bad} are not.{how}{of}")
    if bad:
        raise typer.Exit(1)


def _goes_on(begun: Verification) -> None:
    when = time.strftime("%Y-%m-%d %H:%M", time.gmtime(begun.began))
    err.print(f"goes on with what was begun on {when} (UTC), after {begun.done} originals; --restart begins anew")
