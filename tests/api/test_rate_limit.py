"""Calls of each store, counted in a bucket that leaks; one bucket for all workers and replicas."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import literal, text, update
from sqlmodel import col

from image_service.app import dialects_of
from image_service.settings import Settings
from image_service.stores import tokens
from image_service.stores.models import RateBucketRow
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from image_service.web.dialect import Dialects
from tests.conftest import Service, StartService
from tests.shop import form

SLOW = 0.001  # a second: nothing leaks during a test
LIMIT, REMAINING, RESET = (f"X-Rate-Limit-{name}" for name in ("Limit", "Remaining", "Reset"))


@pytest.fixture
async def shop(start_service: StartService, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks for `store`, which may make three calls."""
    async with (
        start_service(rate_limit_bucket=3, rate_limit_per_second=SLOW) as limited,
        limited.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
    ):
        yield client


async def pass_time(service: Service, store_id: int, seconds: float) -> None:
    async with service.database.transaction() as session:
        then = col(RateBucketRow.at) - literal(timedelta(seconds=seconds))
        await session.exec(update(RateBucketRow).where(col(RateBucketRow.store_id) == store_id).values(at=then))


async def test_what_the_headers_count(shop: httpx.AsyncClient) -> None:
    """On every answer: a success, an error, one that was not changed since."""
    answers = [
        await shop.post("/v2/images.json", files=form()),
        await shop.get("/products/1/images/4711"),
        await shop.get("/products/1/images", headers={"If-None-Match": "*"}),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 304]
    assert [(answer.headers[LIMIT], answer.headers[REMAINING]) for answer in answers] == [
        ("3", "2"),
        ("3", "1"),
        ("3", "0"),
    ]
    assert 999_000 < int(answers[0].headers[RESET]) <= 1_000_000  # milliseconds: one call at 0.001 a second
    assert 2_990_000 < int(answers[2].headers[RESET]) <= 3_000_000


async def test_one_too_many_in_each_dialect(shop: httpx.AsyncClient) -> None:
    for _ in range(3):
        assert (await shop.get("/images")).status_code == 200
    answer = await shop.get("/images")
    assert (answer.status_code, answer.json()) == (
        429,
        {
            "code": 429,
            "message": "Too Many Requests",
            "description": "Too many requests, or too many wrong credentials; go on after Retry-After",
        },
    )
    assert (answer.headers[LIMIT], answer.headers[REMAINING]) == ("3", "0")
    assert 900 < int(answer.headers["Retry-After"]) <= 1000
    answer = await shop.get("/v2/images/status/1.json")
    assert (answer.status_code, answer.json()) == (
        429,
        {"status": "ERROR", "user_id": 1, "message": "Too Many Requests"},
    )
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_body_is_not_read_for_a_call_too_many(shop: httpx.AsyncClient) -> None:
    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for _ in range(3):
        await shop.get("/images")
    answer = await shop.post("/v2/images.json", content=unread())
    assert answer.status_code == 429


async def test_it_leaks(shop: httpx.AsyncClient, service: Service, store: NewStore) -> None:
    """And what is refused adds nothing."""
    for _ in range(6):
        await shop.get("/images")
    await pass_time(service, store.store_id, 1 / SLOW)
    assert [(await shop.get("/images")).status_code for _ in range(2)] == [200, 429]
    await pass_time(service, store.store_id, 100 / SLOW)
    assert (await shop.get("/images")).headers[REMAINING] == "2"


async def test_who_is_counted(
    shop: httpx.AsyncClient, start_service: StartService, service: Service, store: NewStore
) -> None:
    """The store, whatever its token; not pictures, not health, not who is nobody."""
    reader = await tokens.issue(service.database, store.store_id, Scope.READ)
    other = await service.new_store()
    for path in ("/health/live", "/openapi.json", "/stores/000/001/products/none"):
        assert LIMIT not in (await shop.get(path)).headers
    assert LIMIT not in (await shop.get("/images", headers={"Authorization": "Bearer wrong"})).headers
    answer = await shop.post("/products/1/images", headers={"Authorization": f"Bearer {reader}"})
    assert (answer.status_code, answer.headers[REMAINING]) == (403, "2")
    assert (await shop.get("/images", headers={"Authorization": f"Bearer {other.token}"})).headers[REMAINING] == "2"
    assert (await shop.get("/images")).headers[REMAINING] == "1"


async def test_off_by_default(client: httpx.AsyncClient) -> None:
    answers = [await client.get("/images") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any(LIMIT in answer.headers for answer in answers)


async def test_exact_through_two_replicas(start_service: StartService, store: NewStore) -> None:
    async with AsyncExitStack() as stack:
        clients = []
        for _ in range(2):
            limited = await stack.enter_async_context(start_service(rate_limit_bucket=10, rate_limit_per_second=SLOW))
            headers = {"Authorization": f"Bearer {store.token}"}
            clients.append(await stack.enter_async_context(limited.client(headers=headers)))
        answers = await asyncio.gather(*(clients[n % 2].get("/images") for n in range(40)))
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 30}
    remaining = [int(answer.headers[REMAINING]) for answer in answers if answer.status_code == 200]
    assert sorted(remaining) == list(range(10))


async def test_the_platforms_own_numbers(start_service: StartService, store: NewStore) -> None:
    async with (
        start_service(rate_limit_bucket=40, rate_limit_per_second=2) as limited,
        limited.client(headers={"Authorization": f"Bearer {store.token}"}) as client,
    ):
        answer = await client.get("/images")
        assert (answer.headers[LIMIT], answer.headers[REMAINING], answer.headers[RESET]) == ("40", "39", "500")
        answers = await asyncio.gather(*(client.get("/images") for _ in range(100)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}


async def test_calls_do_not_write_to_the_databases_log(service: Service) -> None:
    async with service.database.statement() as session:
        found = await session.exec(text("SELECT relpersistence FROM pg_class WHERE relname = 'rate_buckets'"))  # type: ignore[call-overload]
        assert found.scalar_one() == b"u"


async def test_it_is_described(document: dict[str, Any]) -> None:
    dialects = Dialects(dialects_of(Settings()))
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            names = dialects.of(path, method.upper()).rates.described
            is_open = operation.get("security") == []
            assert ("429" in operation["responses"]) is not is_open, path
            assert all(name in json.dumps(operation) for name in names) is not is_open, path
            if not is_open:
                assert "Retry-After" in operation["responses"]["429"]["headers"]
