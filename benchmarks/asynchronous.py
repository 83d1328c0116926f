"""1,000 creates with `Prefer: respond-async`, from a host on this machine that fails one in ten, in eight ways.

    .venv/bin/python -m benchmarks.asynchronous --url http://127.0.0.1:8000 --token TOKEN --pid PID

It asks a running service, whose FETCH_ALLOW_PRIVATE must be true; PID is that of `serve`, for its memory. Four of the
ways may pass, and are tried again, for as long as JOB_RETRY_SECONDS says. Prints what became of all, and how fast.
"""

import argparse
import asyncio
import io
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from PIL import Image

from benchmarks.processes import memory_bytes

CREATES = 1_000
AT_ONCE = 16  # requests of ours
A_PRODUCT = 100  # images
ONE_IN = 10
LOOK_SECONDS = 0.5


def _answer(status: int, body: bytes = b"", length: int | None = None) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


def _ways(picture: bytes) -> dict[str, bytes | None]:
    """What a host answers; None: nothing, for as long as it is waited for."""
    return {
        "403": _answer(403),
        "404": _answer(404),
        "410": _answer(410),
        "429": _answer(429),
        "500": _answer(500),
        "no picture": _answer(200, b"<html>sorry</html>"),
        "cut off": _answer(200, picture[: len(picture) // 2], len(picture)),
        "silence": None,
    }


@asynccontextmanager
async def _host(picture: bytes) -> AsyncIterator[str]:
    """Its URL; a path is a number, and every tenth fails."""
    ways = list(_ways(picture).values())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            number = int((await reader.readuntil(b"\r\n\r\n")).split()[1][1:].partition(b".")[0])
            fails = number % ONE_IN == 0
            answer = ways[number // ONE_IN % len(ways)] if fails else _answer(200, picture)
            if answer is None:
                await reader.read()
            else:
                writer.write(answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _picture() -> bytes:
    """Noise is the worst case of a JPEG: 100 kB of it."""
    written = io.BytesIO()
    Image.effect_noise((640, 480), 60).convert("RGB").save(written, "JPEG", quality=80)
    return written.getvalue()


async def _ask(client: httpx.AsyncClient, host: str, count: int) -> None:
    numbers = iter(range(count))

    async def some() -> None:
        for number in numbers:
            told = await client.post(
                f"/products/{number // A_PRODUCT + 1}/images",
                json={"src": f"{host}/{number}.jpg"},
                headers={"Prefer": "respond-async"},
            )
            told.raise_for_status()

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))


async def _count(client: httpx.AsyncClient, state: str) -> int:
    answer = await client.get("/jobs", params={"state": state, "per_page": 1})
    return int(answer.raise_for_status().headers["X-Total-Count"])


async def _ended(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := (await client.get("/jobs", params={"per_page": 200, "page": len(found) // 200 + 1})).json():
        found += page
        if len(page) < 200:
            break
    return found


async def _run(options: argparse.Namespace) -> None:
    picture = _picture()
    async with (
        httpx.AsyncClient(
            base_url=options.url, headers={"Authorization": f"Bearer {options.token}"}, timeout=60
        ) as client,
        _host(picture) as host,
    ):
        idle = most = memory_bytes([options.pid]) if options.pid else 0
        since = time.monotonic()
        await _ask(client, host, options.count)
        asked = time.monotonic() - since
        marks: dict[str, float] = {}
        good = options.count - options.count // ONE_IN
        while await _count(client, "queued") + await _count(client, "running"):
            most = max(most, memory_bytes([options.pid]) if options.pid else 0)
            if "good" not in marks and await _count(client, "finished") >= good:
                marks["good"] = time.monotonic() - since
            await asyncio.sleep(LOOK_SECONDS)
        whole = time.monotonic() - since
        jobs = await _ended(client)
    reasons = Counter(job["receipts"][0]["reason"] or job["state"] for job in jobs)
    _say("| what became of it | creates |\n| --- | --- |")
    for reason, count in reasons.most_common():
        _say(f"| `{reason}` | {count} |")
    _say(f"\n{options.count} acknowledged in {asked:.1f} s ({options.count / asked:.0f} a second).")
    if "good" in marks:
        _say(f"All {good} pictures were there after {marks['good']:.1f} s ({good / marks['good']:.1f} a second).")
    _say(f"The last job had ended after {whole:.1f} s.")
    if options.pid:
        _say(f"Memory of the service: {idle / 1e6:.0f} MB before, {most / 1e6:.0f} MB at the most.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", required=True, help="of a store without jobs")
    parser.add_argument("--pid", type=int, default=0)
    parser.add_argument("--count", type=int, default=CREATES)
    asyncio.run(_run(parser.parse_args()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
