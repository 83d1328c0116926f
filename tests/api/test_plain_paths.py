"""A path has one spelling, whatever route it leads to: none of ours needs a percent sign."""

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service

PATHS = (
    "/",
    "/metrics",
    "/health/live",
    "/health/ready",
    "/openapi.json",
    "/docs",
    "/docs/static/docs.js",
    "/gallery",
    "/gallery/static/js/main.js",
    "/images",
    "/products",
    "/products/1/images",
    "/v2/images/status/1.json",
    "/uploads/00000000000000000000000000000000",
)


def spelled(path: str) -> list[str]:
    """In other ways: each character in turn."""
    return [f"{path[:at]}%{ord(path[at]):02x}{path[at + 1 :]}" for at in range(len(path))]


@pytest.mark.parametrize("path", PATHS)
async def test_no_route_has_a_second_spelling(client: httpx.AsyncClient, path: str) -> None:
    for other in [*spelled(path)[1:], f"{path}%", f"{path}%00", f"{path}%2f"]:
        answer = await client.get(other)
        assert answer.status_code == 404, other
        assert ("user_id" in answer.json()) == path.startswith("/v2")


async def test_a_query_may_have_them(service: Service, store: NewStore) -> None:
    async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
        assert (await client.get("/health/live?%6d=%25")).status_code == 200
        assert (await client.get("/products/1/images?fields=%69d")).status_code == 200
