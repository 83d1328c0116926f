"""Which other origins' scripts may use the API, and how."""

from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import ValidationError

from image_service.settings import Settings
from image_service.stores.registry import NewStore
from tests.conftest import StartService
from tests.shop import added, form, path

ADMIN = "https://admin.example.com"
ALLOWED = "access-control-allow-origin"


@pytest.fixture
async def page(start_service: StartService, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    """A script on the admin's page, which speaks for `store`. The settings name its port, which no browser sends."""
    headers = {"Origin": ADMIN, "Authorization": f"Bearer {store.token}"}
    async with (
        start_service(cors_origins=f"{ADMIN}:443 http://localhost:3000") as service,
        service.client(headers=headers) as client,
    ):
        yield client


def ask(method: str, headers: str = "authorization") -> dict[str, str]:
    return {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


async def test_a_preflight_needs_no_token(page: httpx.AsyncClient) -> None:
    del page.headers["Authorization"]
    for url in ("/products/1/images", "/products/1/images/1", "/v2/images.json", "/images"):
        answer = await page.options(url, headers=ask("POST", "authorization, content-type, idempotency-key"))
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers[ALLOWED] == ADMIN
        assert {"GET", "POST", "PUT", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
        sent = answer.headers["access-control-allow-headers"].lower().split(", ")
        assert {"authorization", "authentication", "content-type", "idempotency-key", "if-match"} <= set(sent)
        assert answer.headers["vary"] == "Origin"
        assert answer.headers["x-request-id"]


async def test_any_header_may_be_sent(page: httpx.AsyncClient) -> None:
    """Libraries set some by themselves; one of ours is said once."""
    answer = await page.options(
        "/images", headers=ask("POST", "authorization,cache-control,x-requested-with,x-requested-with")
    )
    sent = answer.headers["access-control-allow-headers"].split(", ")
    assert sent[-2:] == ["cache-control", "x-requested-with"]
    assert len({name.lower() for name in sent}) == len(sent)


async def test_answers_may_be_read(page: httpx.AsyncClient) -> None:
    created = await page.post("/products/1/images", files=form())
    answers = [
        created,
        await page.get("/products/1/images"),
        await page.get("/products/1/images", headers={"If-None-Match": "*"}),
        await page.get("/images/0"),
        await page.post("/v2/images.json", headers={"Authorization": "Bearer wrong"}),
        await page.get("/nowhere"),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 304, 404, 401, 404]
    for answer in answers:
        assert answer.headers[ALLOWED] == ADMIN
        exposed = set(answer.headers["access-control-expose-headers"].split(", "))
        assert {"ETag", "Link", "X-Total-Count", "Location", "X-Request-Id", "X-Rate-Limit-Remaining"} <= exposed
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"].split(", ")
    assert created.headers["vary"] == "Authorization, Authentication, Origin"


@pytest.mark.parametrize("origin", ["https://evil.test", "null", ADMIN + ".evil.test", "http://admin.example.com", "*"])
async def test_other_origins_may_not(page: httpx.AsyncClient, origin: str) -> None:
    answer = await page.get("/images", headers={"Origin": origin})
    assert answer.status_code == 200  # the browser keeps it from the script
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert "Origin" in answer.headers["vary"]
    answer = await page.options("/images", headers={"Origin": origin, **ask("GET")})
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_nobody_by_default(client: httpx.AsyncClient) -> None:
    answer = await client.get("/images", headers={"Origin": ADMIN})
    assert ALLOWED not in answer.headers
    assert "Origin" not in answer.headers["vary"]
    assert (await client.options("/images", headers={"Origin": ADMIN, **ask("GET")})).status_code == 405


async def test_pictures_are_everybodys(page: httpx.AsyncClient) -> None:
    """And the same for each, for caches."""
    url = path((await added(page))["src"])
    for origin in (ADMIN, "https://anywhere.test"):
        answer = await page.get(url, headers={"Origin": origin})
        assert answer.headers[ALLOWED] == "*"
        assert "Origin" not in answer.headers.get("vary", "")


@pytest.mark.parametrize("origins", ["*", "admin.example.com", ADMIN + "/", "https://Admin.example.com", "null"])
def test_what_is_no_origin(origins: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"cors_origins": origins})
