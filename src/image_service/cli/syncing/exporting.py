"""Exports a store's galleries to a file that a sync reads."""

import asyncio
import csv
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import quote

from image_service.cli.importing.table import guarded
from image_service.cli.syncing.service import SyncService

Gallery = tuple[dict[str, Any], list[dict[str, Any]]]


async def export(service: SyncService, target: Path | None, *, is_ndjson: bool) -> int:
    """Returns the number of products. Creates the file only when it is complete. Raises as `Service.add` does."""
    async with service:
        await service.require("")
        galleries = await _galleries(service)
    with _file(target) as file:
        if is_ndjson:
            for product, images in galleries:
                entries = [{"id": image["id"], "alt": image["alt"]} for image in images]
                file.write(json.dumps({"product_id": product["id"], "images": entries}, ensure_ascii=False) + "\n")
        else:
            _write_csv(file, galleries)
    return len(galleries)


async def _galleries(service: SyncService) -> list[Gallery]:
    """The non-empty galleries."""
    places = asyncio.Semaphore(service.concurrency)

    async def one(product: dict[str, Any]) -> Gallery:
        async with places:
            return product, await service.gallery_of(product["id"])

    tasks: list[asyncio.Task[Gallery]] = []
    try:
        async for product in service.products():
            tasks.append(asyncio.create_task(one(product)))
        return [found for task in tasks if (found := await task)[1]]
    finally:
        for task in tasks:
            task.cancel()


def _write_csv(file: TextIO, galleries: list[Gallery]) -> None:
    tags = sorted(
        {tag for _, images in galleries for image in images if isinstance(image["alt"], dict) for tag in image["alt"]}
    )
    columns = ["product_id", "product_key", "id", "src", "alt", *(f"alt_{quote(tag, safe='')}" for tag in tags)]
    writer = csv.writer(file, lineterminator="\r\n")  # RFC 4180's; with "\n", a "\r" in a text would not be quoted
    writer.writerow([*columns, "filename_now", "source_url", "url"])
    for product, images in galleries:
        for image in images:
            alt = image["alt"]
            texts = alt if isinstance(alt, dict) else {}
            cells = [
                str(product["id"]),
                product.get("key"),
                str(image["id"]),
                None,
                alt if isinstance(alt, str) else None,
                *(texts.get(tag) for tag in tags),
                image["filename"],
                image["source_url"],
                image["src"],
            ]
            writer.writerow("" if cell is None else guarded(cell) for cell in cells)


@contextmanager
def _file(target: Path | None) -> Iterator[TextIO]:
    """A byte order mark tells spreadsheets that it is UTF-8."""
    if target is None:
        yield sys.stdout
        return
    temporary = target.with_name(target.name + ".new")
    encoding = "utf-8-sig" if target.suffix.lower() == ".csv" else "utf-8"
    try:
        with temporary.open("w", encoding=encoding, newline="") as file:
            yield file
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
