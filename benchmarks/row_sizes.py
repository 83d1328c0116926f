"""What an image costs in the database: fills this version's schema with made-up rows and says how large it became.

    .venv/bin/python benchmarks/row_sizes.py --images 1000000

It starts a PostgreSQL of its own in a temporary folder, which takes about 1 GB for a million images, and removes it.
The rows are of the shape that real ones have: 8 images a product, 10,000 a store, products in random order, random
keys; half fetched from a URL, an eighth with an `alt`; one in twenty deleted, one POST in ten kept for its repeat.
"""

import argparse
import asyncio
import platform
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from image_service.database import migrations
from image_service.postgres.embedded import EmbeddedPostgres

# $1: how many images. Each statement fills one table.
FILL = {
    "stores": "INSERT INTO stores (name) SELECT 'shop ' || n FROM generate_series(1, ceil($1 / 10000.0)) n",
    "tokens": "INSERT INTO tokens (store_id, sha256, scope) SELECT id, sha256(id::text::bytea), 'write' FROM stores",
    "galleries": """
        INSERT INTO galleries (store_id, product_id, revision)
        SELECT (n - 1) * 8 / 10000 + 1, n, 8 FROM generate_series(1, $1 / 8) n ORDER BY md5(n::text)""",
    "images": """
        INSERT INTO images (store_id, product_id, position, key, slug, filename, sha256, bytes, format, width, height,
                            frames, thumbhash, alt, source_url)
        SELECT g.store_id, g.product_id, p, gen_random_uuid(),
               'product-photo-' || g.product_id || '-' || p, 'Product photo ' || g.product_id || '-' || p || '.jpg',
               sha256((g.product_id || '/' || p)::bytea), 300000 + p, 'jpg', 1600, 1200, 1,
               encode(substr(sha256((p || '/' || g.product_id)::bytea), 1, 24), 'base64'),
               CASE WHEN p = 5 THEN jsonb_build_object('es', 'Foto del producto ' || g.product_id) END,
               CASE WHEN p % 2 = 0 THEN 'https://cdn.example.com/catalog/' || g.product_id || '/' || p || '.jpg' END
        FROM (SELECT * FROM galleries ORDER BY md5(product_id::text)) g, generate_series(1, 8) p""",
    "products": """
        INSERT INTO products (store_id, product_id, key, name)
        SELECT store_id, product_id, 'sku-' || product_id,
               to_jsonb('Zapato ' || (ARRAY['rojo', 'azul', 'negro'])[product_id % 3 + 1] || ' numero ' || product_id)
        FROM galleries""",
    "trash": """
        INSERT INTO trash (key, store_id, slug) SELECT gen_random_uuid(), store_id, slug FROM images LIMIT $1 / 20""",
    "idempotency_keys": """
        INSERT INTO idempotency_keys (store_id, key, fingerprint, owner, leased_until, status, headers, body)
        SELECT store_id, gen_random_uuid()::text, sha256, gen_random_uuid(), now(), 201,
               jsonb_build_array(jsonb_build_array('Content-Type', 'application/json'),
                                 jsonb_build_array('Location', 'https://api.example.com/products/' || product_id)),
               repeat('x', 250)::bytea
        FROM images LIMIT $1 / 10""",
}

TABLES = """
    SELECT c.relname AS table, pg_table_size(c.oid) AS heap, pg_indexes_size(c.oid) AS indexes
    FROM pg_class c WHERE c.relname = ANY($1)"""
INDEXES = """
    SELECT t.relname AS table, i.relname AS index, pg_relation_size(i.oid) AS bytes
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
    WHERE t.relname = ANY($1) ORDER BY t.relname, bytes DESC"""


async def measure(url: str, images: int) -> None:
    await migrations.upgrade(url)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    rows: dict[str, int] = {}
    for table, statement in FILL.items():
        log, since = await connection.fetchval("SELECT pg_current_wal_insert_lsn()"), time.monotonic()
        arguments = (images,) if "$1" in statement else ()
        rows[table] = int((await connection.execute(statement, *arguments)).split()[-1])
        written = await connection.fetchval("SELECT pg_current_wal_insert_lsn() - $1::pg_lsn", log)
        seconds, each = time.monotonic() - since, written / rows[table]
        say(f"# {table}: {rows[table]} rows in {seconds:.0f} s, {each:.0f} bytes of WAL a row")
    await connection.execute("VACUUM ANALYZE")
    names = list(FILL)
    version = await connection.fetchval("SHOW server_version")
    say(f"# PostgreSQL {version}, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}")
    say("| table | rows | bytes a row | of its indexes | together |\n| --- | --- | --- | --- | --- |")
    for found in await connection.fetch(TABLES, names):
        heap, indexes = found["heap"] / rows[found["table"]], found["indexes"] / rows[found["table"]]
        say(f"| `{found['table']}` | {rows[found['table']]} | {heap:.0f} | {indexes:.0f} | {heap + indexes:.0f} |")
    say("\n| index | bytes a row |\n| --- | --- |")
    for found in await connection.fetch(INDEXES, names):
        say(f"| `{found['index']}` | {found['bytes'] / rows[found['table']]:.0f} |")
    await connection.close()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    images = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres", max_connections=20)
        postgres.start()
        try:
            asyncio.run(measure(postgres.url, images))
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()
