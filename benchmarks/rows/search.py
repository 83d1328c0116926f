"""Searches in a store of 100,000 products with four images each, one at a time, as people type them."""

import asyncio
import json
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, cycle, islice
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

import asyncpg
import httpx

from benchmarks.contenders.service import Service, service
from benchmarks.filled import database_of
from benchmarks.load import get, sample
from benchmarks.loader import Plan
from benchmarks.measure import Fact, Result, Sample, figure, percentile
from benchmarks.places import made
from benchmarks.run import Run
from benchmarks.stock import schema
from image_service.database.database import Database
from image_service.images.products import listing

PRODUCTS = 100_000
AT_MOST = 20.0  # ms, the p99 of each kind over HTTP
ASKED = 100  # of a kind in a round
SAID = (
    "red blue green shoe boot sandal leather cotton summer winter kids women "
    "men classic sport running walking white black brown large small zapato bota "
    "camisa pantalon remera verano invierno niño niña azul rojo cuero algodón"
)
WORDS = SAID.split()
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


Asked = dict[str, str]  # the query's parameters


def kinds() -> dict[str, Iterator[Asked]]:
    """What people type, by what it is."""
    chosen = random.Random(1)  # noqa: S311

    def numbers() -> Iterator[int]:
        while True:
            yield chosen.randrange(1, PRODUCTS)

    def some(count: int) -> str:
        return " ".join(chosen.sample(WORDS, count))

    return {
        "the key": ({"key": f"SKU-{n:06}-{chr(65 + n % 3)}"} for n in numbers()),
        "a key's words": ({"q": f"sku-{n:06}"} for n in numbers()),
        "a file name": ({"q": f"photo-{n}-2.jpg"} for n in numbers()),
        "an alt text": ({"q": f"foto del producto {n}"} for n in numbers()),
        "two words of a name": ({"q": some(2)} for _ in numbers()),
        "three": ({"q": some(3)} for _ in numbers()),
        "the start of a word": ({"q": chosen.choice(WORDS)[: chosen.randrange(2, 5)]} for _ in numbers()),
        "one letter": ({"q": letter} for letter in cycle("abcdefghijklmnopqrstuvwxyz0123456789")),
        "a word of every image": ({"q": word} for word in cycle(["photo", "pho", "jpg", "p"])),
        "its later pages": ({"q": "photo", "page": str(page)} for page in cycle(range(2, 21))),
        "it and a rare one": ({"q": f"photo {n}"} for n in numbers()),
        "no such word": ({"q": f"photo qx{n}"} for n in numbers()),
    }


def hundred_thousand(run: Run) -> Result:
    each = kinds()
    with _filled(run) as started:
        taken = {kind: [list(islice(asked, ASKED)) for _ in range(run.rounds)] for kind, asked in each.items()}
        samples = run.interleaved({kind: _over_http(started, rounds) for kind, rounds in taken.items()})
        bare = asyncio.run(_bare(started, {kind: list(chain(*rounds)) for kind, rounds in taken.items()}))
    facts = [
        Fact(f"{kind}: p99 over HTTP", median(each.p99 for each in rounds), "ms", at_most=AT_MOST)
        for kind, rounds in samples.items()
    ]
    for kind, took in bare.items():
        for percent in (50, 99):
            facts.append(Fact(f"{kind}: p{percent} of the statements", percentile(took, percent), "ms"))
    figures = [figure(kind, rounds) for kind, rounds in samples.items()]
    return Result("search", f"Searches among {PRODUCTS:,} products, one at a time", figures, facts=facts)


def _over_http(started: Service, rounds: list[list[Asked]]) -> Callable[[int], Sample]:
    fields = {"fields": "id,name,key,images_count"}

    def measure(round_: int) -> Sample:
        paths = [f"/products?{urlencode(asked | fields)}" for asked in rounds[round_]]
        return sample(Plan(started.url, get(paths, started.headers), connections=1), started.roots, 200)

    return measure


async def _bare(started: Service, asked: dict[str, list[Asked]]) -> dict[str, list[float]]:
    """Milliseconds of the statements alone, from this process."""
    database = Database(database_of(started), 1)
    took: dict[str, list[float]] = {kind: [] for kind in asked}
    for kind, all_ in asked.items():
        for each in all_:
            offset = (int(each.get("page", "1")) - 1) * 50
            began = perf_counter()
            await listing.found(
                database, 1, key=each.get("key"), words=each.get("q"), since_id=0, offset=offset, limit=50
            )
            took[kind].append((perf_counter() - began) * 1000)
    await database.close()
    return took


@contextmanager
def _filled(run: Run) -> Iterator[Service]:
    """Made once, and kept."""
    folder = made("data", f"products-{PRODUCTS}-{schema()}")
    told = folder / "filled.json"
    if not told.exists():
        run.say(f"  {PRODUCTS:,} products …")
        shutil.rmtree(folder)
        with service(folder) as started:
            store = httpx.get(f"{started.url}/store", headers=started.headers).raise_for_status().json()["id"]
            asyncio.run(_fill(database_of(started), store))
        told.write_text(json.dumps({"store": store}))
    with service(folder) as started:
        yield started


async def _fill(url: str, store: int) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for statement in FILL:
            await connection.execute(statement, store, PRODUCTS, *([WORDS] if "$3" in statement else []))
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
