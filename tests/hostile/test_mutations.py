"""Good pictures with bits flipped, parts cut out, or spliced with another: whatever comes of them is bounded."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from structlog.testing import capture_logs

from tests.conftest import PHOTOS, StartService
from tests.faults.runs import RUNS
from tests.hostile.avif import avifs
from tests.hostile.webp import webps
from tests.pixels.pictures import quadrants
from tests.shop import form

SEED = 20
COUNT = 200 * RUNS
MODERN_COUNT = 40 * RUNS  # of each
AT_ONCE = 8
PNGSUITE = Path(__file__).parents[1] / "data" / "pngsuite"


def good_pictures(folder: Path) -> list[bytes]:
    """Of each format and kind, small enough that thousands can be tried."""
    kinds: dict[str, dict[str, Any]] = {
        "a.jpg": {},
        "b.jpg": {"progressive": True},
        "c.jpg": {"quality": 20},
        "d.gif": {},
        "e.png": {},
    }
    for name, options in kinds.items():
        quadrants().save(folder / name, **options)
    frames = [quadrants(60, 40).rotate(90 * number) for number in range(4)]
    frames[0].save(folder / "f.gif", save_all=True, append_images=frames[1:], duration=50)
    own = sorted(folder.glob("?.*"))
    suite = [each for each in sorted(PNGSUITE.glob("*.png")) if not each.name.startswith("x")]
    return [each.read_bytes() for each in [*own * 6, *suite, PHOTOS / "animated.gif"]]


def mutations(pictures: list[bytes], count: int) -> Iterator[bytes]:
    chance = random.Random(SEED)
    for _ in range(count):
        data = bytearray(chance.choice(pictures))
        for _ in range(chance.choice((1, 1, 1, 3, 10))):
            _mutate(data, chance, pictures)
        yield bytes(data)


def _mutate(data: bytearray, chance: random.Random, pictures: list[bytes]) -> None:
    start = chance.randrange(len(data) + 1)
    stop = min(len(data), start + chance.choice((1, 2, 4, 16, 200)))
    match chance.randrange(7):
        case 0 | 1:  # a bit; headers are where it matters most
            at = min(chance.choice((start, chance.randrange(64))), max(len(data) - 1, 0))
            if data:
                data[at] ^= 1 << chance.randrange(8)
        case 2:  # numbers that lie
            data[start:stop] = chance.choice((b"\xff", b"\x00", b"\x7f\xff\xff\xff", b"\x80")) * (stop - start)
        case 3:
            del data[start:stop]
        case 4:
            del data[start:]
        case 5:
            data[start:start] = data[start:stop] * chance.choice((1, 50))
        case 6:
            other = chance.choice(pictures)
            data[start:] = other[chance.randrange(len(other)) :]


async def test_mutations_of_gif_jpeg_and_png(client: httpx.AsyncClient, tmp_path: Path) -> None:
    await survive(client, good_pictures(tmp_path), COUNT)


async def test_mutations_of_webp_and_avif(start_service: StartService) -> None:
    async with start_service(input_formats="gif jpg png webp avif") as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            for collection in (webps(), avifs()):
                good = [each.data for each in collection if "-good" in each.name and len(each.data) < 30_000]
                await survive(client, good, MODERN_COUNT)


async def survive(client: httpx.AsyncClient, good: list[bytes], count: int) -> None:
    todo = mutations(good, count)
    seen: Counter[int] = Counter()

    async def work() -> None:
        for data in todo:
            answer = await client.post("/v2/images.json", files=form(data))
            seen[answer.status_code] += 1
            assert answer.status_code in (200, 422), (answer.status_code, data.hex())

    with capture_logs() as logs:
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    assert seen.total() == count
    assert min(seen[200], seen[422]) > count / 20, seen  # neither harmless nor mere noise
    reasons = [str(line.get("reason")) for line in logs]
    assert not [each for each in reasons if "its process" in each or "took too long" in each]
