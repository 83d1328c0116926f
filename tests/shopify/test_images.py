"""Images over the wire: made, listed, counted, read, changed, deleted."""

import re
from typing import Any

import httpx
import pytest

from image_service.stores import registry
from image_service.stores.registry import NewStore
from tests.conftest import API, DELIVERY, Service
from tests.ingest.server import ScriptedServer
from tests.shop import added, form, page, path, png
from tests.shopify.conftest import IMAGES, PREFIX, PRODUCT, Shop, attachment, one

KEYS = ["id", "alt", "position", "product_id", "created_at", "updated_at", "admin_graphql_api_id", "width", "height",
        "src", "variant_ids"]  # fmt: skip


async def test_a_new_image_is_answered_as_the_page_prints_it(shop: Shop) -> None:
    answer = await shop.client.post(IMAGES, json=attachment(filename="Red Shoe.PNG", alt="A shoe", variant_ids=[7]))
    assert (answer.status_code, list(answer.json())) == (200, ["image"])
    image = answer.json()["image"]
    assert list(image) == KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", image["created_at"])
    assert image == image | {
        "alt": "A shoe",
        "position": 1,
        "product_id": PRODUCT,
        "updated_at": image["created_at"],
        "admin_graphql_api_id": f"gid://shopify/ProductImage/{image['id']}",
        "width": 8,
        "height": 6,
        "variant_ids": [7],
    }
    assert re.fullmatch(rf"{DELIVERY}/stores/[0-9/]+/products/red-shoe-[0-9a-f]{{32}}-640-0\.png", image["src"])


async def test_src_opens_with_any_query(shop: Shop, anyone: httpx.AsyncClient) -> None:
    src = path((await shop.add())["src"])
    for query in ("", "?v=1768005402", "?width=100&height=200&crop=center"):
        answer = await anyone.get(src + query)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")


async def test_a_picture_by_its_url(shop: Shop, server: ScriptedServer) -> None:
    server.pages["/blue.png"] = page(png("blue"))
    answer = await shop.client.post(IMAGES, json={"image": {"src": server.url("/blue.png"), "position": 1}})
    assert answer.status_code == 200, answer.text
    assert "/blue-" in answer.json()["image"]["src"]


async def test_base64_with_line_breaks(shop: Shop) -> None:
    body = attachment()
    text = body["image"]["attachment"]
    body["image"]["attachment"] = "\n".join(text[at : at + 60] for at in range(0, len(text), 60)) + "\n"
    assert (await shop.client.post(IMAGES, json=body)).status_code == 200


async def test_a_form(shop: Shop) -> None:
    del shop.client.headers["Content-Type"]
    answer = await shop.client.post(IMAGES, files=form(), data={"alt": "A shoe", "position": "1"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["image"]["alt"] == "A shoe"


async def test_a_form_may_name_its_fields_as_those_of_image(shop: Shop) -> None:
    del shop.client.headers["Content-Type"]
    image = await shop.add()
    texts = {"image[alt]": "A shoe", "image[position]": "1", "image[variant_ids][]": ["7", "8"]}
    for files in (
        {"image[file]": ("blue.png", png("blue"))},
        {"image[attachment]": (None, attachment("blue")["image"]["attachment"])},
    ):
        answer = await shop.client.put(one(image), files=files, data=texts)
        assert answer.status_code == 200, answer.text
        changed = answer.json()["image"]
        assert (changed["alt"], changed["position"], changed["variant_ids"]) == ("A shoe", 1, [7, 8])
        assert changed["src"] != image["src"]
        assert (await shop.client.post(IMAGES, files=files, data=texts)).status_code == 200
        image = await shop.add()


async def test_what_a_typed_client_has_not_set_is_absent_in_a_create(shop: Shop) -> None:
    made = await shop.add(id="tmp-1", product_id=[], position="", alt=[], src="", filename="")
    assert (made["position"], made["alt"]) == (1, None)
    answer = await shop.client.post(IMAGES, json=attachment(position=0))
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["position"])
    answer = await shop.client.put(one(made), json={"image": {"position": ""}})
    assert answer.json()["image"]["position"] == 1


async def test_list_get_and_count(shop: Shop) -> None:
    first, second = await shop.add(), await shop.add("blue", position=1)
    assert await shop.listed() == [second, first | {"position": 2}]
    assert await shop.listed(since_id=first["id"]) == [second]
    assert await shop.listed(fields="id,src,nothing") == [
        {"id": each["id"], "src": each["src"]} for each in (second, first)
    ]
    assert (await shop.client.get(one(second))).json() == {"image": second}
    assert (await shop.client.get(one(second), params={"fields": "position"})).json() == {"image": {"position": 1}}
    count = f"/products/{PRODUCT}/images/count.json"
    assert (await shop.client.get(count)).json() == {"count": 2}
    assert (await shop.client.get(count, params={"since_id": first["id"]})).json() == {"count": 1}


async def test_a_product_without_images(shop: Shop) -> None:
    assert await shop.listed("/products/1/images.json") == []
    assert (await shop.client.get("/products/1/images/count.json")).json() == {"count": 0}


async def test_delete(shop: Shop) -> None:
    first, second = await shop.add(), await shop.add()
    answer = await shop.client.delete(one(first))
    assert (answer.status_code, answer.json()) == (200, {})
    assert await shop.listed() == [second | {"position": 1}]
    assert (await shop.client.delete(one(first))).status_code == 404


async def test_move_and_describe(shop: Shop) -> None:
    first, second = await shop.add(), await shop.add(position=1e30)
    assert [(await shop.put(first, position=far))["position"] for far in (2**63, 1e30)] == [2, 2]
    assert (await shop.put(first, position=1))["position"] == 1
    moved = await shop.put(second, position=1, alt="A shoe")
    assert (moved["position"], moved["alt"]) == (1, "A shoe")
    assert [image["id"] for image in await shop.listed()] == [second["id"], first["id"]]
    assert (await shop.put(second, position="2"))["position"] == 2  # as PHP sends numbers
    assert (await shop.put(second, alt=None))["alt"] is None


async def test_all_sent_back_changes_nothing(shop: Shop) -> None:
    """As the Python client does with every save, with what it has once attached."""
    image = await shop.add(alt="A shoe", variant_ids=[7, 8])
    before = await shop.client.get(IMAGES)
    whole = {**attachment()["image"], **image, "filename": "red.png", "metafields": [{"key": "a"}]}
    assert await shop.put(image, **whole) == image
    after = await shop.client.get(IMAGES)
    assert (after.headers["ETag"], after.json()) == (before.headers["ETag"], before.json())


async def test_other_bytes_replace_the_picture(shop: Shop, anyone: httpx.AsyncClient) -> None:
    image = await shop.add(alt="A shoe", variant_ids=[7])
    changed = await shop.put(image, **{**image, **attachment("blue")["image"]})
    assert changed["src"] != image["src"]
    assert changed == image | {"src": changed["src"], "updated_at": changed["updated_at"]}
    assert (await anyone.get(path(image["src"]))).status_code == 404
    assert (await anyone.get(path(changed["src"]))).status_code == 200


async def test_a_copy_of_another_product_s_image(shop: Shop) -> None:
    """Read there, and posted here as it is: what it says of itself is not looked at."""
    image = await shop.add(alt="A shoe")
    answer = await shop.client.post("/products/7/images.json", json={"image": image})
    assert answer.status_code == 200, answer.text
    copy = answer.json()["image"]
    assert (copy["product_id"], copy["alt"], copy["width"]) == (7, "A shoe", 8)
    assert copy["id"] != image["id"]
    assert copy["src"] != image["src"]


async def test_a_text_in_several_languages_is_shown_in_one_and_kept(shop: Shop, client: httpx.AsyncClient) -> None:
    languages = {"es": "Zapato", "en": "Shoe"}
    image = await shop.add()
    own = f"/products/{PRODUCT}/images/{image['id']}"

    async def given(alt: Any) -> Any:
        assert (await client.put(own, json={"alt": alt})).status_code == 200
        return (await shop.client.get(one(image))).json()["image"]["alt"]

    await registry.set_language(shop.service.database, shop.store.store_id, "en")
    assert await given({"es": "Zapato", "pt": "Sapato"}) == "Zapato"
    assert await given({"pt": "Sapato", "es": "Zapato", "de-AT": "Schuh"}) == "Schuh"
    assert await given({}) is None
    assert await given(languages) == "Shoe"
    await shop.put(image, alt="Shoe", position=1)
    assert (await client.get(f"{own}?fields=alt")).json() == {"alt": languages}
    await shop.put(image, alt="Red shoe")
    assert (await client.get(f"{own}?fields=alt")).json() == {"alt": "Red shoe"}


@pytest.mark.parametrize("version", ["2019-04", "2026-07", "2026-13", "unstable", "latest", None])
async def test_every_version_and_none_at_all(shop: Shop, version: str | None) -> None:
    prefix = f"{API}/admin/api/{version}" if version else f"{API}/admin"
    answer = await shop.client.post(f"{prefix}{IMAGES}", json=attachment())
    assert answer.status_code == 200
    image = answer.json()["image"]
    assert (await shop.client.get(f"{prefix}{one(image)}")).json() == {"image": image}
    assert await shop.listed(f"{prefix}{IMAGES}") == [image]
    assert (await shop.client.delete(f"{prefix}{one(image)}")).json() == {}


@pytest.mark.parametrize("version", ["2026-1", "2026-001", "202-01", "2026-01x", "v1", "stable", "2026-01%0a"])
async def test_no_other_versions(shop: Shop, version: str) -> None:
    answer = await shop.client.get(f"{API}/admin/api/{version}{IMAGES}")
    assert (answer.status_code, answer.json()) == (404, {"errors": "Not Found"})


async def test_each_way_to_carry_a_token(service: Service, store: NewStore) -> None:
    """The user of Basic is an API key, which means nothing here: not even the id of another store."""
    other = await service.new_store()
    async with service.client() as anyone:
        for auth in (("an-api-key", store.token), (str(other.store_id), store.token)):
            assert (await anyone.get(PREFIX + IMAGES, auth=auth)).status_code == 200
        two = {"X-Shopify-Access-Token": store.token, "Authorization": f"Bearer {other.token}"}
        assert (await anyone.get(PREFIX + IMAGES, headers=two)).status_code == 401
        assert (await anyone.get(PREFIX + IMAGES, headers={"X-Shopify-Access-Token": " "})).status_code == 401


async def test_if_match_and_if_none_match(shop: Shop) -> None:
    image = await shop.add()
    tag = (await shop.client.get(one(image))).headers["ETag"]
    assert (await shop.client.get(one(image), headers={"If-None-Match": tag})).status_code == 304
    body = {"image": {"alt": "A shoe"}}
    assert (await shop.client.put(one(image), json=body, headers={"If-Match": tag})).status_code == 200
    answer = await shop.client.delete(one(image), headers={"If-Match": tag})
    assert (answer.status_code, list(answer.json())) == (412, ["errors"])


async def test_a_repeated_create_makes_one_image(shop: Shop) -> None:
    key = {"Idempotency-Key": "one"}
    answers = [await shop.client.post(IMAGES, json=attachment(variant_ids=[1]), headers=key) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(await shop.listed()) == 1
    other = await shop.client.post(IMAGES, json=attachment(variant_ids=[2]), headers=key)
    assert (other.status_code, other.json()) == (
        422,
        {"errors": {"Idempotency-Key": ["was used for another request"]}},
    )


async def test_images_of_other_dialects_are_the_same_images(shop: Shop, client: httpx.AsyncClient) -> None:
    image = await added(client, PRODUCT)
    [shown] = await shop.listed()
    assert (shown["id"], shown["src"]) == (image["id"], image["src"])
