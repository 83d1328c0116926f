"""Looking at an installation's blobs, and making them older, for the tests of what becomes of them."""

import os
import time
from datetime import timedelta
from pathlib import Path

import httpx
from sqlalchemy import func, literal, update
from sqlmodel import select

from image_service.images.models import ReservationRow, TrashRow
from image_service.images.upkeep.sweep import Swept
from image_service.parts import sweeper_of
from image_service.storage.base import BlobHeaders
from image_service.storage.names import MARK, new_key, original_name
from image_service.storage.staging import Staging
from tests.conftest import Service
from tests.shop import added, path

OLD = timedelta(hours=25)
YOUNG = timedelta(hours=23)
INSTANCE = "private/instance"


def staging_of(service: Service) -> Staging:
    staging: Staging = service.app.state.parts.staging
    return staging


async def sweep(service: Service, *, audit: bool = True, dry_run: bool = False, force: bool = False) -> Swept:
    """As the command line does it; with an audit."""
    sweeper = sweeper_of(service.settings, service.database, service.storage)
    return await sweeper.run(audit=audit, dry_run=dry_run, force=force)


def file_of(service: Service, name: str) -> Path:
    return service.settings.data_dir / "blobs" / name


def age(path: Path, by: timedelta) -> None:
    """By the blob store's own clock, which is that of its files."""
    then = time.time() - by.total_seconds()
    os.utime(path, (then, then))


async def names(service: Service) -> set[str]:
    """Of every blob there is, what is being written included; but for what sweeps keep in mind."""
    prefixes = ("private/", "public/", "tmp/")
    return {blob.name for prefix in prefixes async for blob in service.storage.list(prefix)} - {MARK}


async def put(service: Service, name: str, by: timedelta) -> str:
    """A blob of that age."""
    async with staging_of(service).file() as source:
        source.write_bytes(b"some bytes")
        await service.storage.put(name, source, BlobHeaders("image/png"))
    age(file_of(service, name), by)
    return name


async def put_stray(service: Service, by: timedelta) -> str:
    return await put(service, original_name(new_key()), by)


async def age_trash(service: Service, by: timedelta) -> None:
    async with service.database.transaction() as session:
        await session.exec(update(TrashRow).values(deleted_at=func.now() - literal(by)))


async def trash_count(service: Service) -> int:
    async with service.database.statement() as session:
        return (await session.exec(select(func.count()).select_from(TrashRow))).one()


async def shown(shop: httpx.AsyncClient) -> tuple[int, str, str]:
    """An image that someone has looked at: its id, and the names of its original and its variant."""
    image = await added(shop)
    url = path(image["src"])
    assert (await shop.get(url)).status_code == 200
    return image["id"], original_name(url.rsplit("-", 3)[1]), f"public{url}"


async def age_reservations(service: Service, by: timedelta) -> None:
    async with service.database.transaction() as session:
        await session.exec(update(ReservationRow).values(reserved_at=func.now() - literal(by)))


async def reserved(service: Service) -> set[str]:
    async with service.database.statement() as session:
        return {key.hex for key in await session.exec(select(ReservationRow.key))}
