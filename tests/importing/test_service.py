"""How an import bears with a service that is busy, away, or says no."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path

import httpx
import pytest

from image_service.cli.importing import in_order
from image_service.cli.importing.rows import Row
from image_service.cli.importing.service import NoAnswer, Refused, Service, Stopped
from image_service.cli.upload import send
from tests.shop import png

Answer = httpx.Response | Exception


class Script:
    """A service that gives these answers, one after the other, the last for ever."""

    def __init__(self, *answers: Callable[[], Answer]) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        answer = (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def service(self, patience: float = 30) -> Service:
        transport = httpx.MockTransport(self)
        return Service("http://api.test", "secret", concurrency=2, patience=patience, transport=transport)


def says(status: int, body: object = None, **headers: str) -> Callable[[], Answer]:
    return lambda: httpx.Response(status, json=body, headers=headers)


def lost() -> Answer:
    return httpx.ReadError("connection reset")


MADE = says(201, {"id": 5, "position": 1, "src": "…"})


@pytest.fixture
def row(tmp_path: Path) -> Row:
    path = tmp_path / "é.png"
    path.write_bytes(png())
    return Row(2, 7, "é.png", (2,), path, 3, {"es": "Taza"})


@pytest.mark.parametrize("first", [says(503), says(429, **{"Retry-After": "1"}), says(409), says(408), says(500), lost])
async def test_what_passes_is_asked_again_with_the_same_key_and_the_whole_file(
    row: Row, first: Callable[[], Answer]
) -> None:
    script = Script(first, MADE)
    async with script.service() as service:
        assert (await service.add(row, "k"))["id"] == 5
    one, two = script.requests
    assert one.headers["Idempotency-Key"] == two.headers["Idempotency-Key"] == "import-k"
    assert all(png() in each.content and b"Taza" in each.content for each in (one, two))


async def test_patience_ends(row: Row) -> None:
    script = Script(lost)
    async with script.service(patience=1) as service:
        with pytest.raises(NoAnswer, match="connection reset"):
            await service.add(row, "k")
    assert len(script.requests) == 2


async def test_an_upload_says_which_service_did_not_answer(tmp_path: Path) -> None:
    (tmp_path / "red.png").write_bytes(png())
    with pytest.raises(NoAnswer, match=r"red\.png: no answer from http://api\.test: connection reset"):
        await send([tmp_path / "red.png"], 1, Script(lost).service(patience=0), as_json=False)


@pytest.mark.parametrize("status", [401, 403, 507])
async def test_what_is_no_better_for_the_next_image_ends_it_at_once(row: Row, status: int) -> None:
    script = Script(says(status))
    async with script.service() as service:
        with pytest.raises(Stopped):
            await service.add(row, "k")
    assert len(script.requests) == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (says(413, {"file": ["must weigh less than 10MB"]}), "file must weigh less than 10MB"),
        (says(422, {"code": 422, "message": "…", "description": "Product is full"}), "Product is full"),
        (says(422, {"src": ["answered 404"], "alt": ["is too long"]}), "src answered 404; alt is too long"),
        (says(400, {"error": "Problems parsing JSON"}), "answered 400"),
        (lambda: httpx.Response(301, text="moved"), "answered 301"),
    ],
)
async def test_a_refusal_is_told_in_the_service_s_words(row: Row, answer: Callable[[], Answer], reason: str) -> None:
    async with Script(answer).service() as service:
        with pytest.raises(Refused) as raised:
            await service.add(row, "k")
    assert str(raised.value) == reason


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lost, "cannot be reached: connection reset"),
        (says(401), "does not know this token"),
        (lambda: httpx.Response(200, text="<h1>It works!"), "no image-service"),
        (says(404), "no image-service"),
        (says(200, {"id": 15, "name": "another"}), "is of another store"),
    ],
)
async def test_before_it_begins(answer: Callable[[], Answer], said: str) -> None:
    script = Script(answer)
    async with script.service() as service:
        with pytest.raises(Stopped, match=said):
            await service.require("http://cdn.example/stores/001/234/products/a.jpg")
    assert script.requests[0].url.path == "/store"


async def test_lanes_keep_their_order_and_share_the_slots() -> None:
    under_way: list[int] = []
    most, done = 0, list[tuple[int, int]]()

    async def work(item: tuple[int, int]) -> None:
        nonlocal most
        assert item[0] not in under_way, "one at a time in a lane"
        under_way.append(item[0])
        most = max(most, len(under_way))
        await asyncio.sleep(0)
        under_way.remove(item[0])
        done.append(item)

    items = [(number % 7, number) for number in range(2_000)]
    await in_order.run(items, lambda item: item[0], work, concurrency=3)
    assert most == 3
    for lane in range(7):
        assert [item for item in done if item[0] == lane] == [item for item in items if item[0] == lane]


async def test_items_are_not_taken_far_ahead() -> None:
    numbers = count(1)

    async def work(item: int) -> None:
        await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await in_order.run(numbers, lambda item: item, work, concurrency=2)
    assert next(numbers) <= 2 * in_order.AHEAD + 2
