"""Gallery sync: galleries of pictures by URL, synced three times. What the second and the third run take, and write.

    .venv/bin/python -m benchmarks.galleries --products 1000

The service and a host that knows `ETag` run beside it, on this machine. Every picture is another one of 50 kB.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from tests.processes import Server

from benchmarks.processes import cpu_seconds

PHOTO = Path(__file__).parents[1] / "src" / "image_service" / "site" / "static" / "sample.jpg"
PICTURES = 4
AT_ONCE = 4
TABLES = ("images", "galleries", "sources", "trash", "idempotency_keys")


def picture(name: str) -> bytes:
    """The photo with a comment of its own: other bytes, the same work."""
    photo, comment = PHOTO.read_bytes(), name.encode()
    return photo[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + photo[2:]


def host(port: "multiprocessing.Queue[int]") -> None:
    """Serves pictures by any name, in a process of its own."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *fields = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        name = line.split(" ")[1]
        tag = f'"{hashlib.sha256(name.encode()).hexdigest()[:16]}"'
        if f"if-none-match: {tag}" in [each.lower() for each in fields]:
            writer.write(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n".encode())
        else:
            body = picture(name)
            writer.write(f"HTTP/1.1 200 OK\r\nETag: {tag}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def serve() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


async def synced(url: str, token: str, where: str, products: int, refetch: str) -> tuple[float, dict[str, int]]:
    """Seconds, and how many entries came to what."""
    outcomes: dict[str, int] = {}
    parts = urlsplit(url)
    waiting = iter(range(1, products + 1))

    async def client() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for product in waiting:
            images = [{"src": f"{where}/{product}/{number}.jpg"} for number in range(PICTURES)]
            body = json.dumps({"images": images, "refetch": refetch}).encode()
            head = (
                f"PUT /products/{product}/gallery?fields=id,src HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                f"Authorization: Bearer {token}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(answer.partition("content-length: ")[2].partition("\r\n")[0])
            found = json.loads(await reader.readexactly(length))
            for receipt in found["receipts"]:
                outcomes[receipt["outcome"]] = outcomes.get(receipt["outcome"], 0) + 1
        writer.close()

    since = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return time.perf_counter() - since, outcomes


@asynccontextmanager
async def database(server: Server) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(host=str(server.postgres / "run"), user="postgres", database="postgres")
    yield connection
    await connection.close()


async def written(server: Server) -> tuple[dict[str, str], int]:
    """What changes with any write of a row; and how many originals and variants there are (a sweep may write its mark
    beside them).
    """
    async with database(server) as connection:
        rows = {
            table: await connection.fetchval(
                f"SELECT count(*) || ' ' || coalesce(sum(xmin::text::bigint), 0) FROM {table}"  # noqa: S608 - names of ours
            )
            for table in TABLES
        }
    folders = [server.data / "blobs" / name for name in ("private", "public")]
    objects = sum(len(files) for folder in folders for _, _, files in os.walk(folder))
    return rows, objects


async def measure(server: Server, where: str, products: int) -> None:
    say(f"# {products} products with {PICTURES} pictures, {AT_ONCE} at once, {datetime.now(UTC):%Y-%m-%d}")
    say("| run | seconds | of the first | CPU ms a product | of the first | entries | rows written | objects written |")
    say("| --- | --- | --- | --- | --- | --- | --- | --- |")
    first, first_cpu = 0.0, 0.0
    for name, refetch in (("first", "changed"), ("`never`", "never"), ("`changed`", "changed")):
        before = await written(server)
        since = cpu_seconds([server.process.pid])
        seconds, outcomes = await synced(server.url, server.token, where, products, refetch)
        cpu = cpu_seconds([server.process.pid]) - since
        after = await written(server)
        first, first_cpu = first or seconds, first_cpu or cpu
        rows = "yes" if before[0] != after[0] else "none"
        entries = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        times = f"{seconds:.1f} | {seconds / first:.3f} | {1000 * cpu / products:.2f} | {cpu / first_cpu:.3f}"
        say(f"| {name} | {times} | {entries} | {rows} | {after[1] - before[1]} |")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=int(os.environ.get("SYNC_PRODUCTS", "1000")))
    products = parser.parse_args().products
    spawn = multiprocessing.get_context("spawn")
    port = spawn.Queue()
    pictures = spawn.Process(target=host, args=(port,), daemon=True)
    pictures.start()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), FETCH_ALLOW_PRIVATE="true", new=True)
        try:
            server.ready()
            asyncio.run(measure(server, f"http://127.0.0.1:{port.get(timeout=30)}", products))
        finally:
            server.end()
            pictures.terminate()


if __name__ == "__main__":
    main()
