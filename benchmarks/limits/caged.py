"""The least that keeps what the service promises of an upload, as a route of FastAPI.

    POST /caged     parse the form, write, fsync, check in the service's own pixel processes, then six statements in one
                    transaction, answer

No tokens, limits, errors, order, repeats, log or metrics: it is no service that could be run either.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI, UploadFile

from benchmarks.limits.bare import FOLDER, INSERT, kept
from image_service.pixels.limits import Limits
from image_service.pixels.pool.pool import PixelPool

SECONDS = 30.0  # for each check, and for its turn
BEFORE = 5  # statements in front of the insert: the service locks, counts, makes room, claims the key
COUNT = "SELECT count(*) FROM image WHERE product_id = $1"
NOBODYS = 2**31 - 1  # a product without images


@asynccontextmanager
async def _started(app: FastAPI) -> AsyncIterator[None]:
    processes = os.cpu_count() or 1
    app.state.threads = ThreadPoolExecutor(processes)
    async with (
        asyncpg.create_pool(os.environ["LIMIT_DATABASE"], min_size=10, max_size=10) as app.state.database,
        PixelPool(processes, Limits(), SECONDS, SECONDS) as app.state.pixels,
    ):
        yield


app = FastAPI(lifespan=_started)


@app.get("/ready")
async def ready() -> dict[str, Any]:
    return {}


@app.post("/caged", status_code=201)
async def add(file: UploadFile) -> dict[str, Any]:
    data = await file.read()
    run = asyncio.get_running_loop().run_in_executor
    name, digest = await run(app.state.threads, kept, data)
    picture = await app.state.pixels.probe(FOLDER / name, wait=SECONDS)
    async with app.state.database.acquire() as connection, connection.transaction():
        for _ in range(BEFORE):
            await connection.fetch(COUNT, NOBODYS)
        told = (1, file.filename, name, digest, len(data), picture.width, picture.height)
        return {"id": await connection.fetchval(INSERT, *told)}
