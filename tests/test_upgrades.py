"""From every earlier schema with data in it to this one, and several replicas at their first start."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from image_service.database import migrations
from image_service.database.locks import Lock
from image_service.database.migration_scripts import FOLDER
from image_service.postgres.embedded import EmbeddedPostgres
from tests.conftest import NewDatabase, StartService
from tests.databases import connected, look
from tests.earlier_rows import COLORS, KEYS, PICTURES, PRODUCT, TOKEN, columns, fill, keep_bytes, read
from tests.processes import DEADLINE, Server
from tests.shop import added, form, order, path

REVISIONS = [each.revision for each in ScriptDirectory(str(FOLDER)).walk_revisions()][::-1]
BOOTSTRAP_TOKEN = "the-token-of-the-first-store"
REPLICAS = 3
ASKING = """SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'image-service migrate'"""


@dataclass(frozen=True)
class Earlier:
    """A release's schema."""

    url: str  # of an empty database, for one test
    columns: dict[str, set[str]]  # by table


@pytest.fixture(scope="module")
async def releases(postgres: EmbeddedPostgres) -> dict[str, Earlier]:
    """By revision, each made from the one before."""
    before, made = "template1", {}
    async with connected(postgres.url) as connection:
        for revision in REVISIONS:
            name = f"release_{revision}"
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {before}")
            url = postgres.url.replace("/postgres?", f"/{name}?")
            await migrations.upgrade(url, revision)
            made[revision] = Earlier(url, await look(url, columns))
            before = name
    return made


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_earlier_release_s_data(
    revision: str, releases: dict[str, Earlier], start_service: StartService, tmp_path: Path
) -> None:
    url = releases[revision].url
    before = await look(url, fill)
    await migrations.upgrade(url)
    after = await look(url, read)
    for table, rows in before.items():
        kept = [{name: row[name] for name in rows[0]} for row in after[table]]
        assert kept == rows, table

    keep_bytes(tmp_path / "blobs")
    async with (
        start_service(database_url=url, data_dir=tmp_path) as service,
        service.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client,
    ):
        assert (await client.get("/health/ready")).status_code == 200
        gallery = (await client.get(f"/products/{PRODUCT}/images")).json()
        assert await order(client, PRODUCT) == [3, 1, 2]
        for image in gallery:
            number = image["id"] - 1
            assert f"{COLORS[number]}-{KEYS[number].hex}-640-0.png" in image["src"]
            assert (await client.get(path(image["src"]))).status_code == 200
        assert [image["id"] for image in (await client.get("/images", params={"assigned": "false"})).json()] == [4]
        for number, data in enumerate(PICTURES):
            assert (await client.get(f"/images/{number + 1}/original")).content == data
        assert (await added(client, PRODUCT))["position"] == 4
        assert await order(client, PRODUCT) == [3, 1, 2, 5]


@pytest.mark.parametrize("revision", REVISIONS)
async def test_an_earlier_release_goes_on_beside_this_schema(
    revision: str, releases: dict[str, Earlier], new_database: NewDatabase
) -> None:
    """It still serves while the first of the new replicas migrates: its statements name the columns that it knows."""
    known = releases[revision].columns
    rows = await look(await new_database(), lambda connection: fill(connection, known))
    for table, names in known.items():
        for row in rows[table]:
            assert row.keys() >= names, table


@pytest.fixture
async def held(empty_database: str) -> AsyncIterator[asyncpg.Connection]:
    """Has the lock under which the schema is migrated; closing it lets the others go on."""
    connection = await asyncpg.connect(empty_database.replace("+asyncpg", ""))
    await connection.execute("SELECT pg_advisory_lock($1)", Lock.MIGRATE)
    yield connection
    await connection.close()


@pytest.fixture
def replicas(empty_database: str, held: asyncpg.Connection, tmp_path: Path) -> Iterator[list[Server]]:
    """Started at once on an empty database: one folder of data for all."""
    with ExitStack() as stack:
        servers = []
        for number in range(REPLICAS):
            server = Server(
                tmp_path / str(number),
                DATABASE_URL=empty_database,
                DATA_DIR=str(tmp_path / "data"),
                DELIVERY_URL="http://images.test",
                BOOTSTRAP_STORE="15",
                BOOTSTRAP_TOKEN=BOOTSTRAP_TOKEN,
            )
            stack.callback(server.end)
            servers.append(server)
        yield servers


async def test_a_start_that_waits_for_its_turn_can_be_ended(
    held: asyncpg.Connection, empty_database: str, tmp_path: Path
) -> None:
    server = Server(tmp_path, DATABASE_URL=empty_database)
    try:
        async with asyncio.timeout(DEADLINE):
            while await held.fetchval(ASKING) < 1:
                assert server.process.poll() is None
        assert await asyncio.to_thread(server.stop) == 0  # which looks for what it may have left behind
        assert await held.fetchval(ASKING) == 0
        assert not server.logged(level="error")
    finally:
        server.end()


async def test_replicas_that_start_at_once(
    replicas: list[Server], held: asyncpg.Connection, empty_database: str, tmp_path: Path
) -> None:
    async with asyncio.timeout(DEADLINE):
        while await held.fetchval(ASKING) < REPLICAS:
            assert [server.process.poll() for server in replicas] == [None] * REPLICAS
    assert await look(empty_database, read) == {}  # nobody goes ahead without the lock
    await held.close()

    ids = set()
    for server in replicas:
        with server.ready().client(BOOTSTRAP_TOKEN) as client:
            ids.add(client.post("/products/1/images", files=form()).raise_for_status().json()["id"])
    for server in replicas:
        with server.client(BOOTSTRAP_TOKEN) as client:
            listed = client.get("/products/1/images").raise_for_status().json()
            assert {image["id"] for image in listed} == ids
            assert [image["position"] for image in listed] == [1, 2, 3]
            for image in listed:
                client.get(path(image["src"])).raise_for_status()

    rows = await look(empty_database, read)
    assert [row["id"] for row in rows["stores"]] == [15]
    assert len(rows["tokens"]) == len(rows["instance"]) == 1
    assert (tmp_path / "data" / "blobs" / "private" / "instance").read_text() == str(rows["instance"][0]["id"])
    for server in replicas:
        assert server.stop() == 0
        assert not server.logged(level="error")
