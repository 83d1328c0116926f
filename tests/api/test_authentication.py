"""Who may call, in each of the three ways, in each dialect."""

import base64
from collections.abc import AsyncIterator

import httpx
import pytest

from image_service.errors import InvalidField
from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.conftest import Service, StartService
from tests.shop import form, orphan

UNAUTHORIZED = {"code": 401, "message": "Unauthorized", "description": "Invalid access token"}


def basic(user: object, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("url", ["/images", "/products/1/images", "/v2/images/status/1.json"])
async def test_three_ways(anyone: httpx.AsyncClient, store: NewStore, url: str) -> None:
    ways = [
        {"Authorization": basic(store.store_id, store.token)},
        {"Authorization": f"Bearer {store.token}"},
        {"Authorization": f"bearer   {store.token} "},
        {"Authentication": f"bearer {store.token}"},
        {"Authentication": store.token},
        {"Authentication": f" {store.token} "},
        {"Authorization": basic(store.store_id, store.token), "Authentication": f"bearer {store.token}"},
    ]
    for headers in ways:
        answer = await anyone.get(url, headers=headers)
        assert answer.status_code in (200, 404), headers
        assert "www-authenticate" not in answer.headers


async def test_wrong_in_every_way(anyone: httpx.AsyncClient, service: Service, store: NewStore) -> None:
    other = await service.new_store()
    wrong: list[dict[str, str]] = [
        {"Authorization": "Bearer"},
        {"Authentication": "bearer"},
        {"Authentication": f"token {store.token}"},
        {"Authorization": "Bearer x"},
        {"Authorization": f"Bearer {store.token}x"},
        {"Authorization": f"Digest {store.token}"},
        {"Authorization": store.token},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": basic(other.store_id, store.token)},
        {"Authorization": basic(f"0{store.store_id}", store.token)},
        {"Authorization": basic("", store.token)},
        {"Authentication": basic(store.store_id, store.token)},
        {"Authorization": f"Bearer {store.token}", "Authentication": f"bearer {other.token}"},
        {"Authorization": basic(other.store_id, other.token), "Authentication": f"bearer {store.token}"},
    ]
    for headers in wrong:
        answer = await anyone.get("/images", headers=headers)
        assert (answer.status_code, answer.json()) == (401, UNAUTHORIZED), headers
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        answer = await anyone.get("/v2/images/status/1.json", headers=headers)
        assert (answer.status_code, answer.json()["message"]) == (401, "Invalid credentials"), headers
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize("headers", [{}, {"Authorization": ""}, {"Authorization": " ", "Authentication": ""}])
async def test_no_credentials_are_answered_as_wrong_ones(anyone: httpx.AsyncClient, headers: dict[str, str]) -> None:
    answer = await anyone.get("/images", headers=headers)
    assert (answer.status_code, answer.headers["Problem"]) == (401, "unauthenticated")
    assert answer.json() == UNAUTHORIZED
    answer = await anyone.get("/v2/images/status/1.json", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid credentials")


async def test_what_is_useless_beside_a_good_one_is_passed_over(
    anyone: httpx.AsyncClient, service: Service, store: NewStore
) -> None:
    """The password of a test site's proxy, a client's empty default, a token of another service."""
    other = await service.new_store()
    good = [{"Authorization": f"Bearer {store.token}"}, {"Authorization": basic(store.store_id, store.token)}]
    for first in good:
        for useless in ("", "bearer", "undefined", "bearer null", f"token {store.token}", "x" * 40):
            answer = await anyone.get("/images", headers=first | {"Authentication": useless})
            assert answer.status_code == 200, useless
    own = {"Authentication": f"bearer {store.token}"}
    for useless in (
        "",
        "Bearer",
        "Basic %%%",
        basic("staging", "secret"),
        f"Digest {store.token}",
        "Bearer " + "x" * 40,
    ):
        assert (await anyone.get("/images", headers=own | {"Authorization": useless})).status_code == 200, useless
    # Of one that is good, or half so, nothing is passed over.
    for disagreeing in (
        f"Bearer {other.token}",
        basic(other.store_id, other.token),
        basic(other.store_id, store.token),
    ):
        assert (await anyone.get("/images", headers=own | {"Authorization": disagreeing})).status_code == 401
    twice = [("Authentication", f"bearer {each}") for each in (store.token, *(f"{n}" * 30 for n in range(4)))]
    assert (await anyone.get("/images", headers=twice)).status_code == 401  # five to look up


async def test_decided_before_the_body_is_read(anyone: httpx.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for method, url in (("POST", "/v2/images.json"), ("POST", "/products/1/images"), ("PUT", "/products/1/images/1")):
        answer = await anyone.request(method, url, content=body(), headers={"Content-Type": "application/json"})
        assert answer.status_code == 401


async def test_a_read_token_reads(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    token = await tokens.issue(service.database, store.store_id, Scope.READ)
    async with service.client(headers={"Authorization": f"Bearer {token}"}) as reader:
        assert (await reader.get(f"/v2/images/status/{id_}.json")).status_code == 200
        assert (await reader.get("/images")).status_code == 200
        for method, url in (("POST", "/products/1/images"), ("PUT", "/products/1/images/1"),
                            ("DELETE", f"/images/{id_}"), ("DELETE", "/products/1")):  # fmt: skip
            answer = await reader.request(method, url)
            assert (answer.status_code, answer.json()["code"]) == (403, 403)
        answer = await reader.delete(f"/v2/images/{id_}.json")
        assert (answer.status_code, answer.json()["message"]) == (403, "Read-only token")
        answer = await reader.post("/v2/images.json", files=form())
        assert (answer.status_code, answer.json()["user_id"]) == (403, "null")


async def test_a_revoked_token_stops_at_once(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    assert (await client.get("/images")).status_code == 200
    (token,) = await tokens.of_store(service.database, store.store_id)
    assert await tokens.revoke(service.database, token.id)
    assert (await client.get("/images")).status_code == 401
    assert not await tokens.revoke(service.database, token.id)


async def test_imported_tokens(service: Service, anyone: httpx.AsyncClient) -> None:
    secret = "s3cret:with-a-colon/" + "x"
    store = await service.new_store(token=secret)
    assert store.token == secret
    answer = await anyone.get("/images", headers={"Authorization": basic(store.store_id, secret)})
    assert answer.status_code == 200
    for unfit in ("short", "x" * 201, "has blanks in between it", "ünïcödé-but-long-enough", secret):
        with pytest.raises(InvalidField):
            await service.new_store(token=unfit)


async def test_an_id_given_by_hand_is_not_given_again(service: Service) -> None:
    last = (await service.new_store()).store_id
    taken = await service.new_store(store_id=last + 1)
    assert taken.store_id == last + 1
    assert (await service.new_store()).store_id == last + 2
    with pytest.raises(InvalidField):
        await service.new_store(store_id=last)


async def test_anonymous_store(service: Service, start_service: StartService) -> None:
    store = await service.new_store()
    async with start_service(anonymous_store=store.store_id) as closed, closed.client() as client:
        assert (await client.post("/products/1/images", files=form())).status_code == 201
        assert (await client.get("/images", headers={"Authorization": "Bearer wrong"})).status_code == 401
    async with start_service(anonymous_store=2**62) as closed, closed.client() as client:
        assert (await client.get("/images")).status_code == 401
