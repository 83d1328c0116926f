"""Tiendanube's document, example by example."""

import re

import httpx
import pytest

from tests.conftest import DELIVERY, StartService
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, form, order, orphan, page, png

KEYS = ["id", "src", "position", "product_id", "created_at", "updated_at"]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")

# The document's own attachment, with the raw line breaks that it prints inside the JSON string.
MEWTWO = """{
    "filename": "mewtwo.gif",
    "position": 5,
    "attachment": "R0lGODlhIAAgAPIAAPj4+MCgyHh4eGBgWLgomEBAQP///wAAACH/C05FVFNDQVBFMi4wAwEAAAAh
/hFwb2tlZ3VpZGUuZmlsYi5kZQAh+QQJEQAGACwAAAAAIAAgAAADj2i63P4wykmrvTjrzbv/YNgU
BUN+BUCuQFB2JNCmgeulbV2/y3rhup2pReBJgDuhgkYoUnA5mm0ZaBojyAJBadAWr8fgylXSgrEF
Mim5M1uka3H8VEm7BOmx3T59lvFVRWJcbyRNgjo+GAMCjQOHAzoDGoyOBgOYmAGTG5kOkZsil0Gc
IQMyNaUgmaqirhcJACH5BAkRAAYALAAAAAAgACAAAAOLaLrc/jDKSau9OOvNu/9gKEpFwZRfAZQs
EJhdCbhq8Hqqa9tww1a5Hc9RI/QgQd7w5CIYSTNd7XYKOI+PZIGwXGyNWKSQ9UIZtmExq6DclZ5A
KXtc4qWzPAGbPJ9TKSgFelZGY10VAyxOhW5mFgMCkQMDiwM7AxuTmAaamgGTI5aXoTM2myGdI6oa
CQA7"
}"""
JSON = {"Content-Type": "application/json"}


def is_an_image(image: dict[str, object], name: str, position: int) -> None:
    """Exactly the keys, in the order, of the types that are printed."""
    assert list(image) == KEYS
    assert isinstance(image["id"], int)
    assert re.fullmatch(
        rf"{DELIVERY}/stores/\d{{3}}(/\d{{3}})+/products/{name[:-4]}-\w{{32}}-640-0{name[-4:]}", str(image["src"])
    )
    assert (image["position"], image["product_id"]) == (position, PRODUCT)
    assert TIME.fullmatch(str(image["created_at"]))
    assert TIME.fullmatch(str(image["updated_at"]))


async def test_create_with_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/products/1234/images", json={"invalid_name": "foobar"})
    assert answer.status_code == 422
    assert answer.json() == {"src": ["can't be blank"]}


async def test_create_from_a_url(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/charmander.png?size=big"] = page(png())
    url = server.url("/charmander.png?size=big")
    answer = await client.post("/products/1234/images", json={"src": url})
    assert answer.status_code == 201
    image = answer.json()
    is_an_image(image, "charmander.png", 1)
    assert answer.headers["location"] == f"http://api.test/products/1234/images/{image['id']}"
    found = await client.get("/products/1234/images", params={"src": url})
    assert [each["id"] for each in found.json()] == [image["id"]]
    assert (await client.get(f"/images/{image['id']}?fields=source_url")).json() == {"source_url": url}


async def test_create_from_the_documents_attachment(client: httpx.AsyncClient) -> None:
    for _ in range(4):
        await added(client)
    answer = await client.post("/products/1234/images", content=MEWTWO, headers=JSON)
    assert answer.status_code == 201, answer.text
    is_an_image(answer.json(), "mewtwo.gif", 5)
    image = (await client.get(f"/images/{answer.json()['id']}?fields=width,height,format,bytes")).json()
    assert image == {"width": 32, "height": 32, "bytes": 402, "format": "gif"}


async def test_list_get_and_since_id(client: httpx.AsyncClient) -> None:
    made = [await added(client) for _ in range(3)]
    answer = await client.get("/products/1234/images")
    assert answer.status_code == 200
    assert answer.json() == made
    for position, image in enumerate(made, 1):
        is_an_image(image, "photo.png", position)
        assert (await client.get(f"/products/1234/images/{image['id']}")).json() == image
    since = await client.get(f"/product/1234/images?since_id={made[0]['id']}")
    assert since.json() == made[1:]


async def test_the_documents_update(client: httpx.AsyncClient) -> None:
    made = [await added(client) for _ in range(5)]
    last = made[-1]
    body = {"id": last["id"], "src": last["src"], "position": 1, "product_id": 1234}
    answer = await client.put(f"/products/1234/images/{last['id']}", json=body)
    assert answer.status_code == 200
    assert answer.json() | {"updated_at": ""} == last | {"position": 1, "updated_at": ""}
    assert await order(client) == [last["id"], *(image["id"] for image in made[:-1])]


async def test_delete(client: httpx.AsyncClient) -> None:
    made = [(await added(client))["id"] for _ in range(3)]
    answer = await client.delete(f"/products/1234/images/{made[0]}")
    assert (answer.status_code, answer.json()) == (200, {})
    assert await order(client) == made[1:]
    assert (await client.get(f"/products/1234/images/{made[0]}")).status_code == 404
    assert (await client.delete(f"/products/1234/images/{made[0]}")).status_code == 404


async def test_an_orphan_of_the_other_dialect_is_assigned(client: httpx.AsyncClient) -> None:
    first = await added(client)
    id_ = await orphan(client)
    answer = await client.post("/products/1234/images", json={"image_id": id_, "position": 1, "alt": "Front"})
    assert answer.status_code == 201
    is_an_image(answer.json(), "photo.png", 1)
    assert await order(client) == [id_, first["id"]]
    again = await client.post("/products/99/images", json={"image_id": id_})
    assert (again.status_code, again.json()) == (422, {"image_id": ["is already assigned to a product"]})
    unknown = await client.post("/products/99/images", json={"image_id": 2**63 - 1})
    assert (unknown.status_code, unknown.json()) == (422, {"image_id": ["does not exist"]})


@pytest.mark.parametrize("prefix", ["/v1", "/2025-03"])
async def test_versioned_prefixes(client: httpx.AsyncClient, prefix: str) -> None:
    store_id = int((await added(client))["src"].split("/products/")[0].split("/stores/")[1].replace("/", ""))
    base = f"{prefix}/{store_id}/products/1234/images"
    answer = await client.post(base, files=form(), data={"alt": "A shoe"})
    assert answer.status_code == 201
    image = answer.json()
    assert list(image) == [*KEYS, "alt"]
    assert image["alt"] == {"es": "A shoe"}
    assert answer.headers["location"] == f"http://api.test{base}/{image['id']}"
    assert (await client.get(f"{base}/{image['id']}")).json() == image
    assert len((await client.get(base)).json()) == 2
    assert (await client.put(f"{base}/{image['id']}", json={"position": 1})).json()["position"] == 1
    assert (await client.delete(f"{base}/{image['id']}")).json() == {}
    for other in (store_id + 1, "x", "0"):
        answer = await client.get(f"{prefix}/{other}/products/1234/images")
        assert (answer.status_code, answer.json()["code"]) == (404, 404)


async def test_an_image_is_deleted_only_while_it_is_where_the_caller_thinks(client: httpx.AsyncClient) -> None:
    placed, loose = (await added(client))["id"], await orphan(client)
    tag = (await client.get("/products/1234/images")).headers["etag"]
    for id, assigned in ((placed, "false"), (loose, "true")):
        answer = await client.delete(f"/images/{id}?assigned={assigned}")
        assert (answer.status_code, answer.json()["code"]) == (404, 404)
    assert (await client.delete(f"/images/{loose}?assigned=nowhere")).status_code == 422
    assert (await client.get("/products/1234/images")).headers["etag"] == tag
    assert (await client.get(f"/images/{loose}")).json()["product_id"] is None
    for id, assigned in ((placed, "true"), (loose, "false")):
        assert (await client.delete(f"/images/{id}?assigned={assigned}")).json() == {}
        assert (await client.get(f"/images/{id}")).status_code == 404


async def test_a_product_holds_so_many_images(start_service: StartService) -> None:
    full = "Product is not allowed to have more than 2 images"
    async with start_service(max_images_per_product=2) as service:
        store = await service.new_store()
        async with service.client(headers={"Authorization": f"Bearer {store.token}"}) as small:
            ids = [(await added(small))["id"] for _ in range(2)]
            answer = await small.post("/products/1234/images", files=form())
            assert answer.status_code == 422
            assert answer.json() == {"code": 422, "message": "Unprocessable Entity", "description": full}
            id_ = await orphan(small)
            answer = await small.post("/products/1234/images", json={"image_id": id_})
            assert answer.json()["description"] == full
            assert await order(small) == ids
