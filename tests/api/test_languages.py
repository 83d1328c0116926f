"""Alt texts under the versioned prefixes: by language, as the platform has them."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from image_service.errors import InvalidField, StoreNotFound
from image_service.stores import registry
from image_service.stores.registry import NewStore
from tests.conftest import Service, StartService
from tests.shop import PRODUCT, added, form

IMAGES = f"/products/{PRODUCT}/images"


@pytest.fixture(params=["v1", "2025-03"])
async def versioned(request: pytest.FixtureRequest, service: Service, store: NewStore) -> AsyncIterator[Any]:
    headers = {"Authentication": f"bearer {store.token}"}
    async with service.client(headers=headers) as client:
        client.base_url = client.base_url.join(f"/{request.param}/{store.store_id}/")
        yield client


@pytest.mark.parametrize(
    ("sent", "shown", "kept"),
    [
        ("Zapato", {"es": "Zapato"}, "Zapato"),
        ({"pt": "Sapato", "en": "Shoe"}, {"pt": "Sapato", "en": "Shoe"}, {"pt": "Sapato", "en": "Shoe"}),
        ([], [], None),
        (None, [], None),
        ("", [], ""),
        ({}, [], {}),
        ({"es": None}, [], None),
    ],
)
async def test_alt_is_a_map_or_an_empty_list(
    client: httpx.AsyncClient, versioned: httpx.AsyncClient, sent: Any, shown: Any, kept: Any
) -> None:
    image = await added(client)
    own = f"products/{PRODUCT}/images/{image['id']}"
    changed = await versioned.put(own, json={"alt": sent})
    assert (changed.status_code, changed.json()["alt"]) == (200, shown)
    one, images, product = [(await versioned.get(path)).json() for path in (own, own.rpartition("/")[0], "products")]
    assert [one["alt"], images[0]["alt"], product[0]["images"][0]["alt"], product[0]["image"]["alt"]] == [shown] * 4
    assert (await versioned.get(f"images/{image['id']}?fields=alt")).json() == {"alt": shown}
    assert (await client.get(f"/images/{image['id']}?fields=alt")).json() == {"alt": kept}
    # What was read can be put back.
    assert (await versioned.put(own, json=one)).json()["alt"] == shown


@pytest.mark.parametrize("stored", ["A brush", "", {}, None, {"en": "A brush"}, {"pt": "Escova", "es": ""}], ids=str)
async def test_what_is_sent_back_as_it_was_shown_changes_nothing(
    client: httpx.AsyncClient, versioned: httpx.AsyncClient, stored: Any
) -> None:
    image = await added(client)
    plain = f"{IMAGES}/{image['id']}?fields=alt,updated_at"
    await client.put(plain, json={"alt": stored})
    before = await client.get(plain)
    own = f"products/{PRODUCT}/images/{image['id']}"
    shown = await versioned.get(own)
    again = await versioned.put(own, json=shown.json())
    assert (again.status_code, again.json(), again.headers["ETag"]) == (200, shown.json(), shown.headers["ETag"])
    after = await client.get(plain)
    assert (after.json(), after.headers["ETag"]) == (before.json(), before.headers["ETag"])
    assert after.json()["alt"] == stored


async def test_a_new_text_or_language_is_stored(client: httpx.AsyncClient, versioned: httpx.AsyncClient) -> None:
    image = await added(client, alt="A brush")
    own = f"products/{PRODUCT}/images/{image['id']}"
    for new in ({"es": "Un pincel"}, {"es": "Un pincel", "en": "A brush"}, {"en": "A brush"}):
        assert (await versioned.put(own, json={"alt": new})).json()["alt"] == new
        assert (await client.get(f"/images/{image['id']}?fields=alt")).json() == {"alt": new}


@pytest.mark.parametrize("stored", ["A brush", {"en": "A brush"}, None], ids=str)
async def test_a_product_is_sent_back_as_it_was_shown(
    client: httpx.AsyncClient, versioned: httpx.AsyncClient, stored: Any
) -> None:
    await added(client)
    await client.put(f"/products/{PRODUCT}", json={"name": stored, "key": "A-1"})
    own = f"products/{PRODUCT}"
    shown = await versioned.get(own)
    body = {"name": [], **shown.json()}
    again = await versioned.put(own, json=body)
    assert (again.status_code, again.json(), again.headers["ETag"]) == (200, shown.json(), shown.headers["ETag"])
    wide = body | {"images": [body["images"][0] | {"alt": {"es": "x" * 300}}] * 250}
    assert (await versioned.put(own, json=wide)).headers["ETag"] == shown.headers["ETag"]
    assert (await versioned.put(own, json={"name": {"es": "Un pincel"}})).json()["name"] == {"es": "Un pincel"}


async def test_a_text_is_shown_under_the_stores_language(
    service: Service, store: NewStore, versioned: httpx.AsyncClient
) -> None:
    made = await versioned.post(f"products/{PRODUCT}/images", files=form(), data={"alt": "Sapato"})
    assert made.json()["alt"] == {"es": "Sapato"}
    listed = f"products/{PRODUCT}/images"
    before = await versioned.get(listed)
    assert (await versioned.get(listed, headers={"If-None-Match": before.headers["ETag"]})).status_code == 304

    await registry.set_language(service.database, store.store_id, "pt-BR")
    after = await versioned.get(listed, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.json()[0]["alt"]) == (200, {"pt-BR": "Sapato"})
    for language in ("", "p", "pt_BR", "português", "x" * 40):
        with pytest.raises(InvalidField):
            await registry.set_language(service.database, store.store_id, language)
    with pytest.raises(StoreNotFound):
        await registry.set_language(service.database, 2**62, "pt")


async def test_a_store_that_is_called_without_a_token_has_a_language_too(
    start_service: StartService, service: Service, store: NewStore
) -> None:
    await registry.set_language(service.database, store.store_id, "en")
    async with start_service(anonymous_store=store.store_id) as open_service, open_service.client() as anyone:
        image = await added(anyone, alt="A shoe")
        shown = await anyone.get(f"/v1/{store.store_id}/images/{image['id']}")
        assert shown.json()["alt"] == {"en": "A shoe"}


async def test_a_request_is_named_only_where_it_brought_a_name(
    service: Service, client: httpx.AsyncClient, versioned: httpx.AsyncClient
) -> None:
    """The platform's PHP client takes any `X-Request-Id` for an error."""
    for path in ("products", f"products/{PRODUCT}/images", "images/999999", "nowhere"):
        answer = await versioned.get(path)
        assert "x-request-id" not in answer.headers
        named = await versioned.get(path, headers={"X-Request-Id": "shop-7"})
        assert named.headers["X-Request-Id"] == "shop-7"
        unfit = await versioned.get(path, headers={"X-Request-Id": "a b"})
        assert unfit.headers["X-Request-Id"] not in ("", "a b")
    assert (await versioned.post(f"products/{PRODUCT}/images", files=form())).headers.get("X-Request-Id") is None
    assert (await versioned.get("products", headers={"Authentication": "bearer x"})).headers.get("X-Request-Id") is None
    assert (await client.get(IMAGES)).headers["X-Request-Id"]
