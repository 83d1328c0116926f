"""Entity tags: 304 for who is up to date, 412 for who is not."""

import httpx

from image_service.stores.registry import NewStore
from tests.conftest import StartService
from tests.shop import PRODUCT, added, form, order, orphan

IMAGES = f"/products/{PRODUCT}/images"


async def test_304_until_something_changes(client: httpx.AsyncClient) -> None:
    image = await added(client)
    loose = await orphan(client)
    urls = [IMAGES, f"{IMAGES}/{image['id']}", f"/products/{PRODUCT}", f"/images/{image['id']}", "/products", "/images",
            f"/images/{loose}"]  # fmt: skip
    tags = {}
    for url in urls:
        first = await client.get(url)
        tags[url] = first.headers["etag"]
        for sent in (tags[url], f"W/{tags[url]}", f'"x", {tags[url]}', "*"):
            again = await client.get(url, headers={"If-None-Match": sent})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tags[url]), url
        for answer in (first, again):
            assert answer.headers["cache-control"] == "private, no-cache"
            assert answer.headers["vary"] == "Authorization, Authentication"
    await client.put(f"{IMAGES}/{image['id']}", json={"alt": "new"})
    await client.post("/products/5/images", json={"image_id": loose})
    for url in urls:
        assert (await client.get(url, headers={"If-None-Match": tags[url]})).status_code == 200, url


async def test_a_tag_is_of_one_representation(client: httpx.AsyncClient, store: NewStore) -> None:
    await added(client)
    urls = [IMAGES, f"{IMAGES}?fields=all", f"{IMAGES}?per_page=1", f"/v1/{store.store_id}{IMAGES}"]
    assert len({(await client.get(url)).headers["etag"] for url in urls}) == len(urls)


async def test_a_tag_changes_with_the_delivery_url(
    client: httpx.AsyncClient, store: NewStore, start_service: StartService
) -> None:
    await added(client)
    here = await client.get(IMAGES)
    token = {"Authorization": f"Bearer {store.token}"}
    async with start_service(delivery_url="http://cdn.test") as moved, moved.client(headers=token) as elsewhere:
        there = await elsewhere.get(IMAGES, headers={"If-None-Match": here.headers["etag"]})
    assert there.status_code == 200
    assert there.json()[0]["src"].startswith("http://cdn.test/stores/")


async def test_writes_that_expect_another_revision_are_refused(client: httpx.AsyncClient) -> None:
    image = await added(client)
    stale = (await client.get(IMAGES)).headers["etag"]
    second = await added(client)
    before = (await client.get(IMAGES)).json()
    writes = [
        ("PUT", f"{IMAGES}/{image['id']}", {"position": 2}),
        ("DELETE", f"{IMAGES}/{image['id']}", None),
        ("DELETE", f"/images/{image['id']}", None),
        ("DELETE", f"/products/{PRODUCT}", None),
    ]
    for method, url, body in writes:
        for sent in (stale, f"W/{stale}", '"other"', "nonsense", '""'):
            answer = await client.request(method, url, json=body, headers={"If-Match": sent})
            assert (answer.status_code, answer.json()["code"]) == (412, 412), (method, url, sent)
    answer = await client.post(IMAGES, files=form(), headers={"If-Match": stale})
    assert answer.status_code == 412
    answer = await client.post(IMAGES, json={"image_id": await orphan(client)}, headers={"If-Match": stale})
    assert answer.status_code == 412
    assert (await client.get(IMAGES)).json() == before
    assert await order(client) == [image["id"], second["id"]]


async def test_writes_that_expect_what_is_there_go_through(client: httpx.AsyncClient) -> None:
    image = await added(client)
    for prepare in ("{}", "W/{}", '"1-x", {}', "*"):
        # Any view of the gallery will do: the revision alone is compared.
        tag = (await client.get(f"/products/{PRODUCT}?fields=id")).headers["etag"]
        answer = await client.put(
            f"{IMAGES}/{image['id']}", json={"alt": prepare}, headers={"If-Match": prepare.format(tag)}
        )
        assert answer.status_code == 200, prepare
        assert answer.headers["etag"] == (await client.get(f"{IMAGES}/{image['id']}")).headers["etag"]
    answer = await client.post(IMAGES, files=form(), headers={"If-Match": answer.headers["etag"]})
    assert answer.status_code == 201
    empty = (await client.get("/products/99/images")).headers["etag"]
    assert empty.startswith('"0-')
    assert (await client.post("/products/99/images", files=form(), headers={"If-Match": empty})).status_code == 201
    assert (await client.post("/products/99/images", files=form(), headers={"If-Match": empty})).status_code == 412


async def test_an_orphans_tag_guards_it_too(client: httpx.AsyncClient) -> None:
    id_ = await orphan(client)
    tag = (await client.get(f"/images/{id_}")).headers["etag"]
    answer = await client.delete(f"/images/{id_}", headers={"If-Match": '"1-x"'})
    assert answer.status_code == 412
    assert (await client.delete(f"/images/{id_}", headers={"If-Match": tag})).status_code == 200
