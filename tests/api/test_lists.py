"""Lists: filters, pages, picked fields, and what stands around the document: products, orphans."""

import re
import tracemalloc
from collections.abc import MutableMapping
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from image_service.stores.registry import NewStore
from tests.conftest import API, PHOTOS, Service
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, form, orphan, page, png

IMAGES = f"/products/{PRODUCT}/images"
ALL = [
    "id", "src", "position", "product_id", "created_at", "updated_at", "alt", "width", "height", "bytes", "format",
    "thumbhash", "filename", "sha256", "source_url", "variants",
]  # fmt: skip


async def test_a_product_without_images_is_an_empty_list(client: httpx.AsyncClient) -> None:
    answer = await client.get("/products/77/images")
    assert (answer.status_code, answer.json(), answer.headers["x-total-count"]) == (200, [], "0")
    assert "link" not in answer.headers


async def test_filters_combine(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/a.png"] = page(png("blue"))
    made = [await added(client) for _ in range(3)]
    fetched = (await client.post(IMAGES, json={"src": server.url("/a.png"), "position": 1})).json()

    async def ids(**query: str | int) -> list[int]:
        answer = await client.get(IMAGES, params=query)
        assert int(answer.headers["x-total-count"]) == len(answer.json())
        return [image["id"] for image in answer.json()]

    assert await ids() == [fetched["id"], *(image["id"] for image in made)]
    assert await ids(since_id=made[0]["id"]) == [made[1]["id"], made[2]["id"], fetched["id"]]
    assert await ids(since_id=0) == [*(image["id"] for image in made), fetched["id"]]
    assert await ids(position=1) == [fetched["id"]]
    assert await ids(position=9) == []
    assert await ids(position=1, since_id=fetched["id"]) == []
    assert await ids(src=server.url("/a.png")) == [fetched["id"]]
    assert await ids(src=made[1]["src"]) == [made[1]["id"]]
    small_webp = made[1]["src"].replace("640-0.png", "50-0.webp").replace("http://images.test", "https://cdn.test/x")
    assert await ids(src=small_webp) == [made[1]["id"]]
    assert await ids(src=small_webp, position=1) == []
    for written in ("640-0_small.png", "640-0_300x300@2x.png", "640-0.png?v=7", "640-0.png/resize:fit:300"):
        assert await ids(src=made[1]["src"].replace("640-0.png", written)) == [made[1]["id"]]
    assert await ids(src=made[1]["src"].partition("images.test")[2]) == [made[1]["id"]]
    for nonsense in ("nonsense", "http://[", "http://[x]/", "//[", "http://a℀b/", "/stores/", "x" * 5000):
        assert await ids(src=nonsense) == []


async def test_pages_and_the_links_between_them(client: httpx.AsyncClient) -> None:
    made = [(await added(client))["id"] for _ in range(5)]
    answer = await client.get(IMAGES, params={"per_page": 2, "page": 2, "fields": "id"})
    assert [image["id"] for image in answer.json()] == made[2:4]
    assert answer.headers["x-total-count"] == "5"
    url = f"{API}{IMAGES}?per_page=2&fields=id&page="
    assert answer.headers["link"] == ", ".join(
        f'<{url}{number}>; rel="{rel}"' for rel, number in (("first", 1), ("prev", 1), ("next", 3), ("last", 3))
    )
    first = await client.get(IMAGES, params={"per_page": 2})
    assert [link.split("rel=")[1] for link in first.headers["link"].split(", ")] == ['"next"', '"last"']
    beyond = await client.get(IMAGES, params={"per_page": 2, "page": 9})
    assert beyond.json() == []
    assert 'page=3>; rel="prev"' in beyond.headers["link"]


async def test_following_next_finds_every_image(client: httpx.AsyncClient) -> None:
    made = [(await added(client))["id"] for _ in range(5)]
    url: str | None = f"{API}{IMAGES}?per_page=2"
    found: list[int] = []
    while url:
        answer = await client.get(url)
        found += [image["id"] for image in answer.json()]
        url = answer.links.get("next", {}).get("url")
    assert found == made


async def test_30_a_page_and_200_at_most(client: httpx.AsyncClient) -> None:
    for _ in range(31):
        await added(client)
    assert len((await client.get(IMAGES)).json()) == 30
    assert len((await client.get(IMAGES, params={"per_page": 201})).json()) == 31


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"page": "0"}, {"page": ["must be greater than or equal to 1"]}),
        ({"page": "x"}, {"page": ["must be an integer"]}),
        ({"page": "1_0"}, {"page": ["must be an integer"]}),
        ({"page": "9" * 30}, {"page": ["must be less than or equal to 10000000"]}),
        ({"per_page": "0"}, {"per_page": ["must be greater than or equal to 1"]}),
        ({"per_page": "-1"}, {"per_page": ["must be greater than or equal to 1"]}),
        ({"since_id": "abc"}, {"since_id": ["must be an integer"]}),
        ({"since_id": "9223372036854775808"}, {"since_id": ["must be less than or equal to 9223372036854775807"]}),
        ({"position": "1.5"}, {"position": ["must be an integer"]}),
    ],
)
async def test_bad_parameters(client: httpx.AsyncClient, query: dict[str, str], message: dict[str, list[str]]) -> None:
    answer = await client.get(IMAGES, params=query)
    assert (answer.status_code, answer.json()) == (422, message)


async def test_picked_fields(client: httpx.AsyncClient) -> None:
    image = await added(client)
    for url in (IMAGES, f"{IMAGES}/{image['id']}", f"/images/{image['id']}"):
        picked = (await client.get(url, params={"fields": "width, id,unknown"})).json()
        picked = picked[0] if isinstance(picked, list) else picked
        assert list(picked.items()) == [("id", image["id"]), ("width", 8)]
    everything = (await client.get(f"/images/{image['id']}", params={"fields": "all"})).json()
    assert list(everything) == ALL
    assert everything["format"] == "png"
    assert (everything["width"], everything["height"], everything["bytes"]) == (8, 6, len(png()))
    assert everything["filename"] == "photo.png"
    assert everything["source_url"] is None
    assert len(everything["variants"]) == 9 * 3


async def test_what_a_picture_element_needs_weighs_little(client: httpx.AsyncClient) -> None:
    for name in ("rocket.jpg", "transparent.png", "animated.gif"):
        data = {"file": (name, (PHOTOS / name).read_bytes())}
        made: Any = (await client.post(f"{IMAGES}?fields=all", files=data)).json()
        answer = await client.get(f"{IMAGES}/{made['id']}?fields=srcset")
        assert len(answer.content) < 600
        light = answer.json()["srcset"]
        assert set(answer.json()) == {"srcset"}
        variants = {(each["size"], each["format"]): each for each in made["variants"]}
        assert made["format"] in light["formats"]
        for format_ in light["formats"]:
            for size, (width, height) in light["sizes"].items():
                offered = variants[size, format_]
                assert light["url"].replace("{size}", size).replace("{format}", format_) == offered["url"]
                assert (width, height) == (offered["width"], offered["height"])
        widths = [width for width, _ in light["sizes"].values()]
        assert widths == sorted({each["width"] for each in made["variants"]})
    both = (await client.get(f"{IMAGES}?fields=srcset,id")).json()
    assert [set(each) for each in both] == [{"id", "srcset"}] * 3


async def test_products(client: httpx.AsyncClient) -> None:
    first, second = await added(client, 5), await added(client, 5)
    other = await added(client, 3)
    await orphan(client)

    listed = await client.get("/products")
    assert listed.json() == [
        {"id": 3, "images_count": 1, "image": other, "images": [other]},
        {"id": 5, "images_count": 2, "image": first, "images": [first, second]},
    ]
    assert listed.headers["x-total-count"] == "2"
    assert [each["id"] for each in (await client.get("/products?since_id=3")).json()] == [5]
    assert [each["id"] for each in (await client.get("/products?per_page=1&page=2")).json()] == [5]

    assert (await client.get("/products/5")).json() == {"id": 5, "images": [first, second]}
    assert (await client.get("/products/6")).status_code == 404

    assert (await client.delete("/products/5")).json() == {}
    assert (await client.get("/products/5")).status_code == 404
    assert (await client.get("/products/5/images")).json() == []
    assert (await client.delete("/products/5")).status_code == 200
    assert [each["id"] for each in (await client.get("/products")).json()] == [3]


async def test_fields_of_products_name_those_of_the_product(client: httpx.AsyncClient) -> None:
    image = await added(client, 5)
    for fields, product in {
        "id,images": {"id": 5, "images": [image]},
        "images_count, id": {"id": 5, "images_count": 1},
        "image,src,name": {"image": image},
        "all": {"id": 5, "images_count": 1, "image": image, "images": [image]},
    }.items():
        assert (await client.get("/products", params={"fields": fields})).json() == [product]
        assert (await client.get("/products/5", params={"fields": fields})).json() == product
    # Where nothing that is named is known, as without `fields`.
    assert (await client.get("/products/5?fields=price")).json() == {"id": 5, "images": [image]}
    assert (await client.get("/products?fields=src")).json() == (await client.get("/products")).json()


async def test_up_to_200_products_a_page(service: Service, store: NewStore, client: httpx.AsyncClient) -> None:
    await many(service, store, products=201, images=1)
    answer = await client.get("/products?per_page=200")
    assert [each["id"] for each in answer.json()] == list(range(1, 201))
    assert answer.headers["x-total-count"] == "201"
    assert "page=2" in answer.headers["link"]
    for prefix in ("", f"/v1/{store.store_id}", f"/2025-03/{store.store_id}"):
        answer = await client.get(f"{prefix}/products")
        assert (len(answer.json()), answer.links["last"]["url"]) == (50, f"{API}{prefix}/products?page=5")
    assert [each["id"] for each in (await client.get("/products?per_page=500&page=2")).json()] == [201]


async def test_a_page_of_full_galleries_is_whole_and_costs_little_memory(
    service: Service, store: NewStore, client: httpx.AsyncClient
) -> None:
    """As it is sent: nothing but what each chunk needs. A client would hold all of it."""
    await many(service, store, products=100, images=250)
    scope = {
        **{"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "path": "/products"},
        **{"raw_path": b"/products", "query_string": b"per_page=200", "root_path": "", "scheme": "http"},
        "headers": [(b"host", b"api.test"), (b"authorization", f"Bearer {store.token}".encode())],
    }
    ids: list[int] = []
    size = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal size
        size += len(message.get("body", b""))
        ids.extend(int(each) for each in re.findall(rb'"id":([0-9]+),"images_count":250', message.get("body", b"")))

    tracemalloc.start()
    await service.app(scope, receive, send)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (ids, size > 5_000_000) == (list(range(1, 101)), True)
    assert peak < 2_000_000

    answer = await client.get("/products?per_page=200")
    assert [len(each["images"]) for each in answer.json()] == [250] * 100
    assert "content-length" not in answer.headers
    unchanged = await client.get("/products?per_page=200", headers={"If-None-Match": answer.headers["ETag"]})
    assert unchanged.status_code == 304
    head = await client.head("/products?per_page=200")
    for each in (head, answer):
        each.headers.pop("x-request-id")
    assert (head.content, head.headers) == (b"", answer.headers)


async def many(service: Service, store: NewStore, *, products: int, images: int) -> None:
    """Rows of galleries, without bytes: thousands of uploads would take minutes."""
    values = {"store": store.store_id, "products": products, "images": images}
    async with service.database.transaction() as session:
        connection = await session.connection()
        await connection.execute(
            text(
                "INSERT INTO galleries (store_id, product_id, revision)"
                " SELECT :store, product, 1 FROM generate_series(1, :products) AS product"
            ),
            values,
        )
        await connection.execute(
            text(
                "INSERT INTO images (store_id, product_id, position, key, slug, filename, sha256, bytes, format, width,"
                " height, frames, thumbhash) SELECT :store, product, place, gen_random_uuid(), 'a', 'a.png', '\\x00',"
                " 1, 'png', 1, 1, 1, '' FROM generate_series(1, :products) AS product,"
                " generate_series(1, :images) AS place"
            ),
            values,
        )


async def test_images_of_a_store(service: Service, client: httpx.AsyncClient) -> None:
    placed = (await added(client))["id"]
    alone = [await orphan(client) for _ in range(2)]

    async def ids(query: str = "") -> list[int]:
        return [image["id"] for image in (await client.get(f"/images{query}")).json()]

    assert await ids() == [placed, *alone]
    assert await ids("?assigned=false") == alone
    assert await ids("?assigned=true") == [placed]
    assert await ids(f"?assigned=false&since_id={alone[0]}") == alone[1:]
    assert await ids("?per_page=1&page=2") == alone[:1]
    image = (await client.get(f"/images/{alone[0]}")).json()
    assert (image["position"], image["product_id"]) == (None, None)
    assert (await client.delete(f"/images/{alone[0]}")).json() == {}
    assert (await client.delete(f"/images/{placed}")).json() == {}
    assert await ids() == alone[1:]
    answer = await client.get("/images?assigned=perhaps")
    assert (answer.status_code, answer.json()) == (422, {"assigned": ["must be true or false"]})

    stranger = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {stranger.token}"}) as other:
        assert (await other.get("/images")).json() == []
        assert (await other.get(f"/images/{alone[1]}")).status_code == 404
        assert (await other.delete(f"/images/{alone[1]}")).status_code == 404
        assert (await other.get(f"/images/{alone[1]}/original")).status_code == 404
    assert await ids() == alone[1:]


async def test_nothing_of_one_store_shows_in_anothers_product(service: Service, client: httpx.AsyncClient) -> None:
    image = await added(client)
    stranger = await service.new_store()
    async with service.client(headers={"Authorization": f"Bearer {stranger.token}"}) as other:
        assert (await other.get(IMAGES)).json() == []
        assert (await other.get(f"{IMAGES}/{image['id']}")).status_code == 404
        assert (await other.put(f"{IMAGES}/{image['id']}", json={"position": 1})).status_code == 404
        assert (await other.delete(f"{IMAGES}/{image['id']}")).status_code == 404
        answer = await other.post("/products/1/images", json={"image_id": image["id"]})
        assert answer.json() == {"image_id": ["does not exist"]}
        mine = await other.post(IMAGES, files=form())
        assert mine.json()["position"] == 1
    assert (await client.get(IMAGES)).json() == [image]
