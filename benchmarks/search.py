"""How long a search takes in a store of many products: fills one with made-up names and asks over HTTP, one at a time.

    .venv/bin/python -m benchmarks.search --products 100000

It starts a service with a PostgreSQL of its own in a temporary folder, which takes about 400 MB, and removes it.
Each product has a name of four words, a key and four images; every fourth image has an `alt`.
"""

import argparse
import asyncio
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx

from benchmarks.contenders.service import Service, service
from image_service.postgres.embedded import EmbeddedPostgres

WORDS = [
    "red",
    "blue",
    "green",
    "shoe",
    "boot",
    "sandal",
    "leather",
    "cotton",
    "summer",
    "winter",
    "kids",
    "women",
    "men",
    "classic",
    "sport",
    "running",
    "walking",
    "white",
    "black",
    "brown",
    "large",
    "small",
    "zapato",
    "bota",
    "camisa",
    "pantalon",
    "remera",
    "verano",
    "invierno",
    "niño",
    "niña",
    "azul",
    "rojo",
    "cuero",
    "algodón",
]
ASKED = 200  # of each kind
FILL = (
    "INSERT INTO galleries (store_id, product_id, revision) SELECT $1, n, 1 FROM generate_series(1, $2) n",
    """
    INSERT INTO products (store_id, product_id, key, name)
    SELECT $1, n, 'SKU-' || lpad(n::text, 6, '0') || '-' || chr(65 + n % 3),
           to_jsonb(concat_ws(' ', w[1 + n % 35], w[1 + n / 35 % 35], w[1 + n / 1225 % 35], w[1 + n * 7 % 35]))
    FROM generate_series(1, $2) n, (SELECT $3::text[] AS w) words""",
    """
    INSERT INTO images (store_id, product_id, position, key, slug, filename, sha256, bytes, format, width, height,
                        frames, thumbhash, alt)
    SELECT $1, n, p, gen_random_uuid(), 'photo', 'photo-' || n || '-' || p || '.jpg', sha256((n || '/' || p)::bytea),
           300000, 'jpg', 1600, 1200, 1, '',
           CASE WHEN p = 1 THEN jsonb_build_object('es', 'Foto del producto ' || n) END
    FROM generate_series(1, $2) n, generate_series(1, 4) p""",
)


def kinds(products: int) -> Iterator[tuple[str, list[str]]]:
    """What people type, by what it is."""
    chosen = random.Random(1)  # noqa: S311
    some = [chosen.randrange(1, products) for _ in range(ASKED)]
    yield "a key", [f"SKU-{n:06}" for n in some]
    yield "a file name", [f"photo-{n}-2.jpg" for n in some]
    yield "two words of a name", [" ".join(chosen.sample(WORDS, 2)) for _ in some]
    yield "the beginning of a word", [chosen.choice(WORDS)[: chosen.randrange(2, 5)] for _ in some]
    yield "an alt text", [f"foto del producto {n}" for n in some]
    yield "a word of every image", ["photo", "pho", "jpg", "p"] * (ASKED // 4)


async def _fill(url: str, store: int, products: int) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in FILL:
            words = [WORDS] if "$3" in statement else []
            await connection.execute(statement, store, products, *words)
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


def _ask(started: Service, products: int) -> None:
    everything: list[float] = []
    with httpx.Client(base_url=started.url, headers=started.headers, timeout=60) as client:
        for kind, searches in kinds(products):
            took: list[float] = []
            for words in searches:
                began = time.perf_counter()
                answer = client.get("/products", params={"q": words, "fields": "id,name,key,images_count"})
                took.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
            everything += took
            _say(kind, took)
    _say("all of these", everything)


def _say(kind: str, took: list[float]) -> None:
    cuts = statistics.quantiles(took, n=100)
    sys.stdout.write(f"{kind:26} p50 {statistics.median(took):6.1f} ms   p99 {cuts[98]:6.1f} ms\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=100_000)
    products = parser.parse_args().products
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "data") as started:
        url = EmbeddedPostgres.join(started.data / "postgres")
        if url is None:
            raise SystemExit("unset IMAGE_SERVICE_DATABASE_URL: this brings a PostgreSQL of its own")
        store = httpx.get(f"{started.url}/store", headers=started.headers).raise_for_status().json()["id"]
        began = time.monotonic()
        asyncio.run(_fill(url.replace("+asyncpg", ""), store, products))
        sys.stdout.write(f"{products:,} products filled in {time.monotonic() - began:.0f} s, {platform.machine()}\n")
        _ask(started, products)


if __name__ == "__main__":
    main()
