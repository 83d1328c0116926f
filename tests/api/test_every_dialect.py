"""What every dialect does without a line of its own. The service's list names them: a new one is held to it."""

import re
from typing import NamedTuple

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from image_service.app import dialects_of
from image_service.settings import Settings
from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from image_service.web.dialect import Dialect, Dialects
from tests.conftest import Service

DIALECTS = [each for each in dialects_of(Settings()) if each.credentials]


class Route(NamedTuple):
    dialect: Dialect
    method: str
    path: str  # with ids in the places of its parameters, but for `{store_id}`

    def __str__(self) -> str:
        return f"{self.dialect.name} {self.method} {self.path}"


def filled_in(path: str) -> str:
    return re.sub(r"\{(?!store_id)\w+\}", "7", path.replace("{version}", "2026-01"))


def routes(*methods: str) -> list[Route]:
    return [
        Route(dialect, method, filled_in(route.path_format or ""))
        for dialect in DIALECTS
        for route in iter_route_contexts(dialect.router.routes)
        for method in sorted(set(methods) & (route.methods or set()))
        if (method, route.path_format) != ("POST", "/uploads/{id}")  # its URL is signed: it needs no token
    ]


@pytest.mark.parametrize("route", routes("GET", "POST", "PUT", "DELETE"), ids=str)
async def test_no_token_is_a_401_with_the_dialects_challenge(anyone: httpx.AsyncClient, route: Route) -> None:
    answer = await anyone.request(route.method, route.path.format(store_id=7))
    assert (answer.status_code, answer.headers["Problem"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == route.dialect.challenge


@pytest.mark.parametrize("route", routes("GET"), ids=str)
async def test_no_cache_may_show_an_answer_to_another_caller(
    client: httpx.AsyncClient, store: NewStore, route: Route
) -> None:
    answer = await client.get(route.path.format(store_id=store.store_id))
    assert answer.status_code < 500
    assert answer.headers["Cache-Control"] == "private, no-cache"
    names = {name.strip().lower() for name in answer.headers["Vary"].split(",")}
    assert {scheme.header for scheme in route.dialect.credentials} <= names


@pytest.mark.parametrize("route", routes("GET"), ids=str)
async def test_head_is_get_without_a_body(client: httpx.AsyncClient, store: NewStore, route: Route) -> None:
    path = route.path.format(store_id=store.store_id)
    shown, head = await client.get(path), await client.head(path)
    assert (head.status_code, head.content) == (shown.status_code, b"")
    for answer in (shown, head):
        answer.headers.pop("x-request-id", None)
    assert head.headers == shown.headers


@pytest.mark.parametrize("route", routes("POST"), ids=str)
async def test_every_post_has_idempotency(client: httpx.AsyncClient, store: NewStore, route: Route) -> None:
    """A key that cannot be one is refused before anything else is looked at."""
    answer = await client.post(route.path.format(store_id=store.store_id), headers={"Idempotency-Key": "x" * 256})
    assert (answer.status_code, answer.headers["Problem"]) == (422, "key_refused")


@pytest.mark.parametrize("route", routes("POST", "PUT", "DELETE"), ids=str)
async def test_a_read_token_may_not_write(service: Service, store: NewStore, route: Route) -> None:
    token = await tokens.issue(service.database, store.store_id, Scope.READ)
    async with service.client(headers={"Authorization": f"Bearer {token}"}) as reader:
        answer = await reader.request(route.method, route.path.format(store_id=store.store_id))
    assert answer.headers["Problem"] == "read_only_token"


@pytest.mark.parametrize("route", routes("GET", "POST", "PUT", "DELETE"), ids=str)
def test_a_route_is_under_its_dialects_prefixes(route: Route) -> None:
    assert Dialects(DIALECTS).of(route.path.format(store_id=7), route.method) is route.dialect


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda each: each.name)
async def test_each_way_to_carry_a_token(service: Service, dialect: Dialect) -> None:
    store = await service.new_store()
    mine = [route for route in (*routes("GET"), *routes("PUT")) if route.dialect is dialect]
    method, path = mine[0].method, mine[0].path.format(store_id=store.store_id)
    async with service.client(headers={}) as anyone:
        for scheme in dialect.credentials:
            found = await anyone.request(method, path, headers={scheme.header: scheme.example(store.token)})
            assert found.status_code != 401, scheme.header
            wrong = await anyone.request(
                method, path, headers={scheme.header: scheme.example("nobodys-token-0123456789")}
            )
            assert wrong.status_code == 401, scheme.header
