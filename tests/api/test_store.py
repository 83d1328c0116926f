"""Whose token this is."""

import httpx

from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.conftest import Service


async def test_a_token_tells_its_store(service: Service, client: httpx.AsyncClient, store: NewStore) -> None:
    found = (await client.get("/store")).json()
    assert (found["id"], found["scope"]) == (store.store_id, "write")
    assert found["name"]
    read = await tokens.issue(service.database, store.store_id, Scope.READ)
    seen = await client.get("/store", headers={"Authorization": f"Bearer {read}"})
    assert seen.json() == {**found, "scope": "read"}


async def test_nobody_else_is_told(anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/store")
    assert (answer.status_code, answer.json()["description"]) == (401, "Invalid access token")
