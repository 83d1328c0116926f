"""Puts a hostile picture before the service: in each way of uploading, and by itself before a pixel process."""

import asyncio
import base64
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from structlog.testing import capture_logs

from image_service.errors import Kind
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.pool.pool import PixelPool
from tests.faults.runs import IS_LONG
from tests.hostile.picture import Hostile, Want
from tests.ingest.server import ScriptedServer
from tests.pixels.workers import SEEN
from tests.processes import DEADLINE
from tests.shop import form, page

AT_ONCE = 4
MAX_SECONDS = 4.0  # of processor time; 2 on an idle machine, but shared cores take up to twice that for the same work
MAX_MEMORY = 300_000  # kB
TICKS = 100  # a second, in /proc/*/stat
REASONS = (
    "has too many pixels", "is too wide or too high", "is cut short", "is damaged", "is an animated AVIF",
    "HEIC: save it as JPEG",
)  # fmt: skip
NOTHING = ("can't be blank", "answered with nothing")  # of the empty one

Upload = Callable[[httpx.AsyncClient, Hostile, ScriptedServer], Awaitable[httpx.Response]]


async def by_file(client: httpx.AsyncClient, picture: Hostile, _: ScriptedServer) -> httpx.Response:
    return await client.post("/products/1/images?fields=all", files=form(picture.data, picture.name))


async def by_base64(client: httpx.AsyncClient, picture: Hostile, _: ScriptedServer) -> httpx.Response:
    body = {"attachment": base64.b64encode(picture.data).decode(), "filename": picture.name}
    return await client.post("/products/1/images?fields=all", json=body)


async def by_url(client: httpx.AsyncClient, picture: Hostile, server: ScriptedServer) -> httpx.Response:
    server.pages[f"/{picture.name}"] = page(picture.data)
    return await client.post("/products/1/images?fields=all", json={"src": server.url(f"/{picture.name}")})


# To a decoder it makes no difference how a picture came: one in so many shows that the others bring it there whole.
EVERY = 1 if IS_LONG else 4
# With the field that is to blame.
WAYS: list[tuple[Upload, str, int]] = [(by_file, "file", 1), (by_base64, "attachment", EVERY), (by_url, "src", EVERY)]


def each_kind(pictures: Sequence[Hostile], every: int) -> Sequence[Hostile]:
    """One in so many, of those that must be accepted, those that must be refused, and so on."""
    return [each for want in Want for each in [each for each in pictures if each.want is want][::every]]


async def judge(
    client: httpx.AsyncClient,
    server: ScriptedServer,
    pictures: Sequence[Hostile],
    upload: Upload,
    field: str,
    not_an_image: str,
) -> None:
    """Each gets what it deserves, and no process dies of one."""
    turns = asyncio.Semaphore(AT_ONCE)
    refusals = (not_an_image, *REASONS, *(f"{kind}: {not_an_image}" for kind in Kind))

    async def wrong(picture: Hostile) -> str | None:
        async with turns:
            answer = await upload(client, picture, server)
            verdict = await _verdict(client, picture, answer, field, refusals)
        return verdict and f"{picture.name} ({picture.want.value}: {picture.why}): {verdict}"

    with capture_logs() as logs:
        verdicts = [each for each in await asyncio.gather(*map(wrong, pictures)) if each]
    assert not verdicts, verdicts
    reasons = [str(line.get("reason")) for line in logs]
    assert not [each for each in reasons if "its process" in each or "took too long" in each]


async def _verdict(
    client: httpx.AsyncClient, picture: Hostile, answer: httpx.Response, field: str, refusals: Sequence[str]
) -> str | None:
    """What is wrong with an answer."""
    if answer.status_code == 201 and picture.want is not Want.REJECT:
        return await _kept(client, picture, answer.json())
    if answer.status_code == 422 and picture.want in (Want.REJECT, Want.EITHER):
        words = refusals if picture.data else (*refusals, *NOTHING)
        fields = {each: "src" if each == NOTHING[0] else field for each in words}
        return None if answer.json() in [{fields[each]: [each]} for each in words] else answer.text
    return f"{answer.status_code} {answer.text[:200]}"


async def _kept(client: httpx.AsyncClient, picture: Hostile, image: dict[str, Any]) -> str | None:
    if picture.want is Want.EITHER:
        return None
    end = len(picture.data) if picture.end is None else picture.end
    original = await client.get(f"/images/{image['id']}/original")
    is_whole = original.content == picture.data[:end] and image["bytes"] == end
    return None if is_whole else f"kept {image['bytes']} bytes instead of {end}"


async def weigh(pictures: Sequence[Hostile], limits: Limits, folder: Path) -> None:
    """None costs much. `pytest -s` shows the slowest and the hungriest."""
    path = folder / "picture"
    costs = []
    async with PixelPool(1, limits, probe_seconds=DEADLINE, draw_seconds=DEADLINE, command=SEEN) as pool:
        for picture in pictures:
            path.write_bytes(picture.data)
            (pid,) = pool.pids
            before = processor_seconds(pid)
            forget_peak(pid)
            with suppress(Refused):
                await pool.probe(path, wait=DEADLINE)
            costs.append((processor_seconds(pid) - before, peak_memory(pid), picture.name))
        assert (pool.died, pool.killed) == (0, 0)
    slowest, hungriest = max(costs), max(costs, key=lambda cost: cost[1])
    sys.stdout.write(f"\nslowest: {slowest}\nhungriest: {hungriest} (seconds, kB at the peak)\n")
    assert slowest[0] < MAX_SECONDS, slowest
    assert hungriest[1] < MAX_MEMORY, hungriest


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_memory(pid: int) -> int:
    """kB that were resident at the most, since the peak was forgotten."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1])


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # proc(5)
