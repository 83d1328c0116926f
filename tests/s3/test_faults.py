"""A service whose S3 store fails: 503 in time, back by itself, and never a row without bytes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from image_service.images.upkeep.verify import OriginalState, verify
from image_service.storage.s3_calls import S3Limits
from tests.conftest import NewDatabase, NewS3, Service, StartService
from tests.s3.proxy import Fault, S3Proxy, answers, loses_the_answer, passes, resets, stalls
from tests.s3.seaweed import SeaweedFS
from tests.shop import added, form, order, path

HASTY = S3Limits(call=2.0, put=1.0, silent=1.0, pauses=(0.01, 0.01, 0.01))
FAULTS = {
    "500": answers("500 Internal Server Error"),
    "503": answers("503 Slow Down", "SlowDown"),
    "reset": resets,
    "stall": stalls,
    "lost": loses_the_answer,
}


@pytest.fixture(scope="module")
async def proxy(seaweed: SeaweedFS) -> AsyncIterator[S3Proxy]:
    async with S3Proxy(seaweed.endpoint) as proxy:
        yield proxy


@pytest.fixture(scope="module")
async def service(
    start_service: StartService,
    new_database: NewDatabase,
    new_s3: NewS3,
    proxy: S3Proxy,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Service]:
    own: dict[str, Any] = {"database_url": await new_database(), "data_dir": tmp_path_factory.mktemp("data")}
    async with start_service(parts={"storage": new_s3(proxy.endpoint, HASTY)}, **own) as service:
        yield service


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_an_upload_is_refused_or_whole(
    shop: httpx.AsyncClient, service: Service, proxy: S3Proxy, fault: Fault
) -> None:
    image = await added(shop)
    rendered = await shop.get(path(image["src"]))
    proxy.fail_always("PUT", fault)
    async with asyncio.timeout(60):  # each of them ends by S3Limits.call, on a machine that has much else to do
        refused = await asyncio.gather(
            shop.post("/products/1234/images", files=form()),
            shop.post("/v2/images.json", files=form()),
            shop.put(f"/products/1234/images/{image['id']}", files=form()),
            shop.get(path(image["src"]).replace("640-0", "50-0")),
        )
    proxy.heal()
    assert [answer.status_code for answer in refused] == [503] * 4
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused[:3])
    assert refused[3].headers["Cache-Control"] == "no-store"
    assert await order(shop) == [image["id"]]
    assert (await shop.get("/images", params={"assigned": "false"})).json() == []
    assert (await shop.get(path(image["src"]))).content == rendered.content
    assert (await shop.get(path(image["src"]).replace("640-0", "50-0"))).status_code == 200
    assert (await added(shop))["position"] == 2
    assert {each.state async for each in verify(service.database, service.storage)} == {OriginalState.WHOLE}


async def test_uploads_while_a_third_of_all_calls_fails(
    shop: httpx.AsyncClient, service: Service, proxy: S3Proxy
) -> None:
    faults = [FAULTS["500"], resets, loses_the_answer]
    for method in ("PUT", "GET"):
        proxy.fail(method, *(faults[i // 3 % 3] if i % 3 == 0 else passes for i in range(60)))
    images = [await added(shop, 9) for _ in range(12)]
    proxy.heal()
    assert await order(shop, 9) == [image["id"] for image in images]
    assert {each.state async for each in verify(service.database, service.storage)} == {OriginalState.WHOLE}


async def test_it_is_not_ready_for_as_long_as_the_store_is_away(service: Service, proxy: S3Proxy) -> None:
    async with service.client() as anyone:
        assert (await anyone.get("/health/ready")).status_code == 200
        proxy.fail_always("*", resets)
        answer = await anyone.get("/health/ready")
        assert (answer.status_code, answer.json()["storage"]) == (503, "not reachable or not writable")
        proxy.heal()
        assert (await anyone.get("/health/ready")).status_code == 200
