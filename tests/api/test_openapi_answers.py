"""What is really answered is what the description says: status, body, headers."""

import base64
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from image_service.stores.registry import NewStore
from tests.api.described import described, resolved
from tests.conftest import Service, StartService
from tests.shop import PRODUCT, added, form, orphan, path, png

# Those that a client may want to read; the others are for caches, browsers and connections.
TOLD = {
    "content-range",
    "etag",
    "last-modified",
    "link",
    "location",
    "retry-after",
    "www-authenticate",
    "x-rate-limit-limit",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
    "x-request-id",
    "x-shopify-shop-api-call-limit",
    "x-total-count",
}


@pytest.fixture
async def document(anyone: httpx.AsyncClient) -> dict[str, Any]:
    return resolved(await described(anyone))


def check(document: dict[str, Any], template: str, answer: httpx.Response, status: int) -> None:
    """Fail unless `answer` is one that the description has for the route of this template."""
    assert answer.status_code == status, answer.text
    responses = document["paths"][template][answer.request.method.lower()]["responses"]
    assert str(status) in responses, template
    response = responses[str(status)]
    sent = TOLD.intersection(answer.headers)
    assert sent <= {name.lower() for name in response["headers"]}
    for name in sent:
        header = next(each for key, each in response["headers"].items() if key.lower() == name)
        value: Any = answer.headers[name]
        Draft202012Validator(header["schema"]).validate(int(value) if header["schema"]["type"] == "integer" else value)
    if not answer.content:
        assert "content" not in response
        return
    media = response["content"][answer.headers["content-type"].partition(";")[0]]
    if answer.headers["content-type"] == "application/json":
        Draft202012Validator(media["schema"]).validate(answer.json())


IMAGES = "/products/{product_id}/images"
IMAGE = "/products/{product_id}/images/{id}"


@pytest.mark.parametrize("prefix", ["", "/v1/{store_id}", "/2025-03/{store_id}"])
async def test_galleries(client: httpx.AsyncClient, store: NewStore, document: dict[str, Any], prefix: str) -> None:
    base = prefix.replace("{store_id}", str(store.store_id))
    images, product = f"{base}/products/{PRODUCT}/images", f"{base}/products/{PRODUCT}"
    created = await client.post(images, files=form(), params={"fields": "all"})
    check(document, prefix + IMAGES, created, 201)
    one = f"{images}/{created.json()['id']}"
    check(document, prefix + IMAGES, await client.post(images, files=form(png("blue"))), 201)
    listed = await client.get(images, params={"per_page": 1, "fields": "id,alt"})
    check(document, prefix + IMAGES, listed, 200)
    same = {"If-None-Match": listed.headers["ETag"]}
    again = await client.get(images, params={"per_page": 1, "fields": "id,alt"}, headers=same)
    check(document, prefix + IMAGES, again, 304)
    check(document, prefix + IMAGES, await client.get(images, params={"page": 0}), 422)
    check(document, prefix + IMAGE, await client.get(one), 200)
    check(document, prefix + IMAGE, await client.put(one, json={"position": 2, "alt": {"en": "A shoe"}}), 200)
    check(document, prefix + "/products", await client.get(f"{base}/products", params={"fields": "src"}), 200)
    check(document, prefix + "/products/{product_id}", await client.get(product), 200)
    check(document, prefix + "/images", await client.get(f"{base}/images"), 200)
    check(document, prefix + "/images/{id}", await client.get(f"{base}/images/{created.json()['id']}"), 200)
    original = f"{base}/images/{created.json()['id']}/original"
    for bytes_, status in ({}, 200), ({"Range": "bytes=0-3"}, 206), ({"Range": "bytes=9999999-"}, 416):
        check(document, prefix + "/images/{id}/original", await client.get(original, headers=bytes_), status)
    check(document, prefix + IMAGE, await client.delete(one), 200)
    check(document, prefix + "/products/{product_id}", await client.delete(product), 200)


async def test_refusals(client: httpx.AsyncClient, anyone: httpx.AsyncClient, document: dict[str, Any]) -> None:
    images = f"/products/{PRODUCT}/images"
    one = f"{images}/{(await added(client))['id']}"
    text = {"Content-Type": "text/plain"}
    check(document, IMAGES, await anyone.get(images), 401)
    check(document, IMAGES, await anyone.post(images, files=form()), 401)
    check(document, IMAGES, await client.post(images, content=b"{", headers={"Content-Type": "application/json"}), 400)
    check(document, IMAGES, await client.post(images, files=[*form().items(), *[("a", (None, "b"))] * 20]), 400)
    check(document, IMAGES, await client.post("/products/x/images", json={}), 404)
    check(document, IMAGES, await client.post(images, files=form(), headers={"If-Match": '"0-no"'}), 412)
    check(document, IMAGES, await client.post(images, files=form(b"x" * 10_500_000)), 413)
    check(document, IMAGES, await client.post(images, json={"alt": "x" * 70_000}), 413)
    check(document, IMAGES, await client.post(images, content=b"x", headers=text), 415)
    check(document, IMAGES, await client.post(images, json={}), 422)
    check(document, IMAGE, await client.put(one, json={"position": 0}), 422)
    check(document, IMAGE, await client.get(f"{images}/999999999"), 404)


async def test_bukalapak(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service, document: dict[str, Any]
) -> None:
    create, status, delete = "/v2/images.json", "/v2/images/status/{id}.json", "/v2/images/{id}.json"
    check(document, create, await client.post(create, files=form()), 200)
    check(document, create, await anyone.post(create, files=form()), 401)
    check(document, create, await client.post(create, files=[*form().items(), *[("a", (None, "b"))] * 20]), 400)
    check(document, create, await client.post(create, files=form(b"no picture")), 422)
    check(document, create, await client.post(create, files=form(b"x" * 10_500_000)), 413)
    gzip = {"Content-Encoding": "gzip"}
    check(document, create, await client.post(create, files=form(), headers=gzip), 415)
    alone, assigned = await orphan(client), (await added(client))["id"]
    for id_, expected in ((alone, 200), (assigned, 200), (999999999, 404)):
        check(document, status, await client.get(status.format(id=id_)), expected)
    other = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {other.token}"}) as stranger:
        check(document, delete, await stranger.delete(delete.format(id=alone)), 403)
    check(document, delete, await client.delete(delete.format(id=alone), headers=gzip), 415)
    check(document, delete, await client.delete(delete.format(id=alone)), 200)
    check(document, delete, await client.delete(delete.format(id=alone)), 404)


@pytest.mark.parametrize("prefix", ["/admin/api/{version}", "/admin"])
async def test_shopify(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, document: dict[str, Any], prefix: str
) -> None:
    products, product = f"{prefix}/products.json", f"{prefix}/products/{{product_id}}.json"
    images = product.replace(".json", "/images.json")
    count, one = images.replace(".json", "/count.json"), images.replace(".json", "/{id}.json")

    def own(template: str, id_: int = 7) -> str:
        return template.format(version="2026-01", product_id=PRODUCT, id=id_)

    picture = {"attachment": base64.b64encode(png()).decode()}
    made = await client.post(own(images), json={"image": picture | {"variant_ids": [1]}})
    check(document, images, made, 200)
    check(document, images, await client.post(own(images), files=form()), 200)
    id_ = made.json()["image"]["id"]
    check(document, images, await anyone.post(own(images), json={}), 401)
    check(document, images, await client.post(own(images), json={}), 400)
    check(document, images, await client.post(own(images), json={"image": {}}), 422)
    check(document, images, await client.post(own(images), json={"image": picture | {"position": 0}}), 422)
    check(document, images, await client.post(own(images), files=form(b"x" * 10_500_000)), 413)
    check(document, images, await client.post(own(images), json={"image": {"alt": "x" * 70_000}}), 413)
    check(document, images, await client.post(own(images), content="a", headers={"Content-Type": "text/plain"}), 415)
    for template in (images, products):
        listed = await client.get(own(template), params={"limit": 1, "fields": "id,alt"})
        check(document, template, listed, 200)
        same = {"If-None-Match": listed.headers["ETag"]}
        again = await client.get(own(template), params={"limit": 1, "fields": "id,alt"}, headers=same)
        check(document, template, again, 304)
        check(document, template, await client.get(own(template), params={"page_info": "x"}), 422)
    check(document, count, await client.get(own(count)), 200)
    check(document, count, await client.get(own(count), params={"since_id": "x"}), 422)
    check(document, product, await client.get(own(product)), 200)
    check(document, product, await client.get(own(product), headers={"If-None-Match": "*"}), 304)
    check(document, one, await client.get(own(one, id_)), 200)
    check(document, one, await client.put(own(one, id_), json=made.json()), 200)
    stale = {"If-Match": '"1-0"'}
    check(document, one, await client.put(own(one, id_), json=made.json(), headers=stale), 412)
    check(document, one, await client.delete(own(one, id_)), 200)
    check(document, one, await client.get(own(one, id_)), 404)


async def test_shopify_s_limit_of_calls(service: Service, start_service: StartService) -> None:
    store = await service.new_store()
    headers = {"X-Shopify-Access-Token": store.token}
    async with (
        start_service(rate_limit_bucket=1, rate_limit_per_second=0.001) as limited,
        limited.client(headers=headers) as client,
    ):
        document = resolved(await described(client))
        path = "/admin/products.json"
        check(document, path, await client.get(path), 200)
        check(document, path, await client.get(path), 429)


async def test_uploads(client: httpx.AsyncClient, anyone: httpx.AsyncClient, document: dict[str, Any]) -> None:
    made, one = "/uploads", "/uploads/{id}"
    answer = await client.post(made, json={"product_id": PRODUCT, "origins": ["https://shop.example.com"]})
    check(document, made, answer, 201)
    check(document, made, await anyone.post(made, json={}), 401)
    check(document, made, await client.post(made, json={"files": 0}), 422)
    check(document, made, await client.post(made, files=form()), 415)
    check(document, made, await client.post(made, json={"origins": ["x" * 70_000]}), 413)
    url, own = answer.json()["url"], f"/uploads/{answer.json()['id']}"
    check(document, one, await anyone.post(own, files=form()), 403)
    check(document, one, await anyone.post(url, json={}), 415)
    check(document, one, await anyone.post(url, files=form(b"no picture")), 422)
    check(document, one, await anyone.post(url, files=form()), 201)
    check(document, one, await anyone.post(url, files=form()), 410)
    check(document, one, await client.get(own), 200)
    check(document, one, await client.delete(own), 200)
    check(document, one, await client.delete(own), 404)


async def test_pictures(client: httpx.AsyncClient, anyone: httpx.AsyncClient, document: dict[str, Any]) -> None:
    src, template = path((await added(client))["src"]), "/stores/{path}"
    answer = await anyone.get(src)
    check(document, template, answer, 200)
    check(document, template, await anyone.get(src, headers={"If-None-Match": answer.headers["ETag"]}), 304)
    check(document, template, await anyone.get(src, headers={"Range": "bytes=0-3"}), 206)
    check(document, template, await anyone.get(src, headers={"Range": "bytes=9999999-"}), 416)
    check(document, template, await anyone.get(f"{src}x"), 404)


async def test_operations(anyone: httpx.AsyncClient, document: dict[str, Any]) -> None:
    for template in ("/health/live", "/health/ready", "/metrics"):
        check(document, template, await anyone.get(template), 200)
