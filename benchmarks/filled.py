"""Many rows, made once by SQL and kept in the cache: an uploaded image's own row, again and again on other products.

All columns of the schema are copied, so that this need not know them.
"""

import asyncio
import hashlib
import json
import os
import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx

from benchmarks import pictures
from benchmarks.contenders import python
from benchmarks.contenders.postgres import Postgres, postgres
from benchmarks.contenders.service import Service, service
from benchmarks.places import made
from benchmarks.stock import A_PRODUCT, schema
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.web.pagination import MAX_PER_PAGE

FIRST_PRODUCT = 2  # 1 has the image that all others are copies of
BATCH = 1_000_000  # rows in a transaction
READ = 20_000  # lists, each by another URL
SOUGHT = 5_000  # products, or pictures, that are asked for
_OURS = {"id", "product_id", "position", "key"}


@dataclass(frozen=True)
class Filled:
    service: Service
    rows: int
    source: str  # the path of the first image's 640-0.jpg
    index_bytes: float  # of all indexes, for an image
    table_bytes: float

    def products(self) -> list[int]:
        """Some, at random, of the upper half: their numbers have as many digits, so that answers are as long."""
        last = FIRST_PRODUCT + self.rows // A_PRODUCT - 1
        return random.Random(1).choices(range((FIRST_PRODUCT + last) // 2, last), k=SOUGHT)  # noqa: S311

    def lists(self) -> list[str]:
        return [f"/products/{product}/images" for product in self.products()]

    def lists_read(self) -> list[str]:
        """The same, each by a URL of its own, so that none is answered from what the service keeps of another."""
        pages = range(A_PRODUCT, MAX_PER_PAGE)
        products = list(dict.fromkeys(self.products()))
        pairs = random.Random(3).sample(range(len(products) * len(pages)), k=READ)  # noqa: S311
        return [
            f"/products/{products[each // len(pages)]}/images?per_page={pages[each % len(pages)]}" for each in pairs
        ]

    def pictures(self) -> list[str]:
        """Paths of 640-0.jpg of images at random. All are rendered, also as AVIF: links to the first one's."""
        first = self.source.rpartition("-640-0.")[0]
        stem, own = first[:-32], first[-32:]
        numbers = random.Random(2).sample(range(self.rows), k=min(SOUGHT, self.rows))  # noqa: S311
        paths = []
        for number in numbers:
            for ext in ("jpg", "avif"):
                source = self.service.public / f"{stem}{own}-640-0.{ext}"[1:]
                with suppress(FileExistsError):
                    os.link(source, self.service.public / f"{stem}{_key(number)}-640-0.{ext}"[1:])
            paths.append(f"{stem}{_key(number)}-640-0.jpg")
        return paths


def _key(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


@contextmanager
def filled(rows: int, name: str) -> Iterator[Filled]:
    """The service with so many images in one store, 30 on a product."""
    folder = made("data", f"rows-{rows}-{schema()}")
    told = folder / "filled.json"
    if not told.exists():
        shutil.rmtree(folder)
        with service(folder) as started:
            source = _first(started)
            facts = asyncio.run(_fill(database_of(started).replace("+asyncpg", ""), rows))
        told.write_text(json.dumps({"source": source, **facts}))
    with service(folder, name) as started:
        yield Filled(started, rows, **json.loads(told.read_text()))


def database_of(started: Service) -> str:
    url = EmbeddedPostgres.join(started.data / "postgres")
    if url is None:
        raise RuntimeError("the service has no PostgreSQL of its own: unset IMAGE_SERVICE_DATABASE_URL")
    return url


def _first(started: Service) -> str:
    with httpx.Client(base_url=started.url, headers=started.headers, timeout=60) as client:
        files = {"file": ("photo.jpg", pictures.photo(2).read_bytes())}
        added = client.post("/products/1/images", files=files).raise_for_status().json()
        source = httpx.URL(added["src"]).path
        for ext in ("jpg", "avif"):
            client.get(source.removesuffix("jpg") + ext).raise_for_status()
    return source


async def _fill(url: str, rows: int) -> dict[str, float]:
    connection = await asyncpg.connect(url)
    try:
        columns = await _columns(connection, "images", _OURS)
        for start in range(0, rows, BATCH):
            await connection.execute(
                f"""INSERT INTO images ({columns}, product_id, position, key)
                    SELECT {columns}, {FIRST_PRODUCT} + n / {A_PRODUCT}, n % {A_PRODUCT} + 1, md5(n::text)::uuid
                    FROM (SELECT * FROM images WHERE product_id = 1) AS first,
                         generate_series({start}, {min(start + BATCH, rows) - 1}) AS n"""  # noqa: S608 - our own words
            )
        columns = await _columns(connection, "galleries", {"product_id"})
        await connection.execute(
            f"""INSERT INTO galleries ({columns}, product_id)
                SELECT {columns}, {FIRST_PRODUCT} + n
                FROM (SELECT * FROM galleries WHERE product_id = 1) AS first,
                     generate_series(0, {(rows - 1) // A_PRODUCT}) AS n"""  # noqa: S608
        )
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
        index = await connection.fetchval("SELECT pg_indexes_size('images') + pg_indexes_size('galleries')")
        table = await connection.fetchval("SELECT pg_relation_size('images')")
    finally:
        await connection.close()
    return {"index_bytes": index / rows, "table_bytes": table / rows}


async def _columns(connection: "asyncpg.Connection[asyncpg.Record]", table: str, without: set[str]) -> str:
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1"
    names: Sequence[str] = [row[0] for row in await connection.fetch(query, table)]
    return ", ".join(sorted(set(names) - without))


@contextmanager
def days_work_filled(rows: int) -> Iterator[Postgres]:
    """The day's-work service's tables with as many rows on the same products."""
    folder: Path = made("data") / f"days-work-{rows}"
    with postgres(folder) as database:
        if not (folder / "filled").exists():
            with python.days_work(made("run", "days-work-files"), database):
                pass  # which makes the tables
            asyncio.run(_fill_days_work(database.plain_url, rows))
            (folder / "filled").touch()
        yield database


async def _fill_days_work(url: str, rows: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("TRUNCATE image RESTART IDENTITY")
        await connection.execute(
            f"""INSERT INTO image (product_id, position, filename, path, sha256, bytes, width, height,
                                   created_at, updated_at)
                SELECT {FIRST_PRODUCT} + n / {A_PRODUCT}, n % {A_PRODUCT} + 1, 'photo.jpg', md5(n::text) || '.jpg',
                       repeat('0', 64), 580000, 1664, 1248, now(), now()
                FROM generate_series(0, {rows - 1}) AS n"""  # noqa: S608
        )
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
