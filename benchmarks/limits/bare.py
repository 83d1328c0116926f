"""The bare steps of an upload and of a list, as one would write them for speed alone, in one ASGI application.

    POST /steps     parse the form, decode (a grey eighth, strictly: all of the file's data is read), write, fsync,
                    INSERT, answer. One hop to a thread, one statement
    POST /raw       the body to a file, fsynced, with its SHA-256: what any upload must do
    GET  /list/{n}  one prepared statement by asyncpg, rendered by the json module

No limits, no errors, no gallery to keep in order: it is no service that could be run.
"""

import asyncio
import hashlib
import io
import json
import os
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
from PIL import Image
from python_multipart.multipart import MultipartParser, parse_options_header

FOLDER = Path(os.environ["LIMIT_FOLDER"])
FOLDER.mkdir(parents=True, exist_ok=True)
FORM_URL = "http://127.0.0.1/stores/000/001/products"
SELECT = """SELECT id, product_id, position, filename, created_at, updated_at FROM image
            WHERE product_id = $1 ORDER BY position LIMIT 30"""
INSERT = """INSERT INTO image (product_id, position, filename, path, sha256, bytes, width, height,
                               created_at, updated_at)
            VALUES ($1, 1, $2, $3, $4, $5, $6, $7, now(), now()) RETURNING id"""

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def kept(data: bytes) -> tuple[str, str]:
    """Written as safely as the service does it: bytes, name and directory on the disk."""
    digest = hashlib.sha256(data).hexdigest()
    name = uuid.uuid4().hex
    temporary, target = FOLDER / f"{name}.new", FOLDER / name
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(target)
    directory = os.open(FOLDER, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return name, digest


def _checked(data: bytes) -> tuple[str, str, int, int]:
    picture = Image.open(io.BytesIO(data))
    width, height = picture.size
    picture.draft("L", (width // 8, height // 8))
    picture.load()
    return (*kept(data), width, height)


def _file_of(body: bytes, content_type: bytes) -> bytes:
    parts: list[bytes] = []
    parser = MultipartParser(
        parse_options_header(content_type)[1][b"boundary"],
        {"on_part_data": lambda data, start, end: parts.append(data[start:end])},
    )
    parser.write(body)
    parser.finalize()
    return b"".join(parts)


class Bare:
    async def start(self) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count())
        self._pool = await asyncpg.create_pool(os.environ["LIMIT_DATABASE"], min_size=10, max_size=10)

    async def answer(self, scope: dict[str, Any], receive: Receive) -> tuple[int, Any]:
        path: str = scope["path"]
        if path.startswith("/list/"):
            rows = await self._pool.fetch(SELECT, int(path.removeprefix("/list/")))
            return 200, [
                {
                    "id": row[0],
                    "src": f"{FORM_URL}/{row[3]}-640-0.jpg",
                    "position": row[2],
                    "product_id": row[1],
                    "created_at": row[4].isoformat(),
                    "updated_at": row[5].isoformat(),
                }
                for row in rows
            ]
        body = bytearray()
        more = True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        run = asyncio.get_running_loop().run_in_executor
        if path == "/raw":
            await run(self._threads, kept, bytes(body))
            return 201, {}
        data = _file_of(bytes(body), dict(scope["headers"])[b"content-type"])
        name, digest, width, height = await run(self._threads, _checked, data)
        added = await self._pool.fetchval(INSERT, 1, "photo.jpg", name, digest, len(data), width, height)
        return 201, {"id": added}

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await self.start()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._pool.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        status, told = await self.answer(scope, receive)
        body = json.dumps(told).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


app = Bare()
