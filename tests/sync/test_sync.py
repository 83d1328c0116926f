"""`PUT /products/{id}/gallery`: what becomes of each entry of a list, and what the same list does again."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlmodel import col, update

from image_service.images.models import ImageRow
from tests.conftest import DELIVERY, Service
from tests.shop import PRODUCT, added, form, order, orphan, png
from tests.sync.calls import GALLERY, failures, ids, outcomes, put, shown, synced
from tests.sync.host import Shop

IMAGES = f"/products/{PRODUCT}/images"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def digest(picture: bytes) -> str:
    return hashlib.sha256(picture).hexdigest()


def originals(service: Service) -> set[Path]:
    return {path for path in (service.settings.data_dir / "blobs" / "private").rglob("*") if path.is_file()}


async def versions(service: Service, image_ids: list[int]) -> list[tuple[str, ...]]:
    """Of the rows of these images and of their gallery: another one, if anything has written it."""
    of_rows = """SELECT images.xmin::text AS image, galleries.xmin::text AS gallery
                 FROM images JOIN galleries USING (store_id, product_id) WHERE id = ANY($1) ORDER BY id"""
    return [tuple(row) for row in await service.database.raw(of_rows, image_ids)]


async def test_what_is_not_here_is_fetched_and_added(client: httpx.AsyncClient, shop: Shop) -> None:
    red, blue = shop.has("/red.png", png()), shop.has("/blue.png", png("blue"))
    body = await synced(client, [{"src": red, "alt": "Red"}, {"src": blue, "filename": "Blue shoe.png"}])
    assert outcomes(body) == ["added", "added"]
    assert [each["id"] for each in body["receipts"]] == ids(body)
    assert [(each["sha256"], each["alt"], each["filename"], each["source_url"]) for each in body["images"]] == [
        (digest(png()), "Red", "red.png", red),
        (digest(png("blue")), None, "Blue shoe.png", blue),
    ]
    assert body["revision"] == 1
    assert await shown(client) == {name: body[name] for name in ("images", "revision")}


async def test_the_same_list_again_changes_nothing(client: httpx.AsyncClient, shop: Shop, service: Service) -> None:
    entries = [{"src": shop.has(f"/{color}", png(color)), "alt": color} for color in ("red", "blue")]
    first = await synced(client, entries)
    stored, rows = originals(service), await versions(service, ids(first))
    for refetch, asked in (("changed", 2), ("never", 0), ("always", 2)):
        shop.forget()
        again = await synced(client, entries, refetch=refetch)
        assert (again["images"], again["revision"]) == (first["images"], first["revision"])
        assert outcomes(again) == ["unchanged"] * 2
        assert len(shop.asked) == asked
        assert len(shop.sent) == (2 if refetch == "always" else 0)
    assert (originals(service), await versions(service, ids(first))) == (stored, rows)


async def test_a_host_that_knows_no_validators_is_read_and_compared(
    client: httpx.AsyncClient, shop: Shop, service: Service
) -> None:
    shop.tags = False
    entries = [{"src": shop.has("/red", png())}]
    first = await synced(client, entries)
    shop.forget()
    stored = originals(service)
    again = await synced(client, entries)
    assert (again["images"], outcomes(again), shop.sent) == (first["images"], ["unchanged"], ["/red"])
    assert originals(service) == stored


async def test_what_trails_a_picture_makes_no_difference(client: httpx.AsyncClient, shop: Shop) -> None:
    """It was cut off when it was stored."""
    shop.tags = False
    entries = [{"src": shop.has("/red", png() + b"trailing bytes")}]
    first = await synced(client, entries)
    shop.has("/red", png() + b"others")
    again = await synced(client, entries)
    assert (again["images"], outcomes(again)) == (first["images"], ["unchanged"])


async def test_a_tag_that_is_new_for_the_same_bytes_is_remembered(client: httpx.AsyncClient, shop: Shop) -> None:
    shop.tags = False
    entries = [{"src": shop.has("/red", png())}]
    await synced(client, entries)  # as of a row from before validators were kept
    shop.tags = True
    await synced(client, entries)
    shop.forget()
    body = await synced(client, entries)
    assert (outcomes(body), shop.asked, shop.sent, body["revision"]) == (["unchanged"], ["/red"], [], 1)


async def test_new_bytes_at_a_source_replace_the_old_ones(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has("/red", png()), "alt": "A"}, {"src": shop.has("/blue", png("blue"))}]
    first = await synced(client, entries)
    shop.has("/red", png("green"))
    assert outcomes(await synced(client, entries, refetch="never")) == ["unchanged"] * 2
    body = await synced(client, entries)
    assert outcomes(body) == ["replaced", "unchanged"]
    assert ids(body) == ids(first)
    assert (body["images"][0]["sha256"], body["images"][0]["alt"]) == (digest(png("green")), "A")
    assert body["images"][0]["src"] != first["images"][0]["src"]
    assert body["images"][1] == first["images"][1]


async def test_moves_texts_and_removals_without_a_fetch(client: httpx.AsyncClient, shop: Shop) -> None:
    urls = [shop.has(f"/{color}", png(color)) for color in ("red", "blue", "green")]
    first = await synced(client, [{"src": url, "alt": "old"} for url in urls])
    red, blue, green = ids(first)
    shop.forget()
    body = await synced(client, [{"src": urls[2]}, {"src": urls[0], "alt": None}], refetch="never")
    assert ids(body) == [green, red]
    assert [image["alt"] for image in body["images"]] == ["old", None]
    assert body["receipts"] == [
        {"index": 0, "id": green, "outcome": "moved", "reason": None, "status": None},
        {"index": 1, "id": red, "outcome": "described", "reason": None, "status": None},
        {"index": None, "id": blue, "outcome": "removed", "reason": None, "status": None},
    ]
    assert shop.asked == []


async def test_by_id_and_what_is_missing_is_kept(client: httpx.AsyncClient) -> None:
    first, second, third = [(await added(client))["id"] for _ in range(3)]
    body = await synced(client, [{"id": third}], missing="keep")
    assert (ids(body), outcomes(body)) == ([third, first, second], ["moved"])
    body = await synced(client, [{"id": second}, {"id": third}])
    assert (ids(body), outcomes(body)) == ([second, third], ["moved", "moved", "removed"])
    assert await order(client) == [second, third]


async def test_an_empty_list_empties_the_gallery(client: httpx.AsyncClient) -> None:
    await added(client)
    body = await synced(client, [])
    assert (body["images"], outcomes(body)) == ([], ["removed"])
    assert (await synced(client, []))["revision"] == body["revision"]


async def test_by_bytes_of_this_product_or_of_another(client: httpx.AsyncClient) -> None:
    picture = png("orange", (20, 10))
    mine = (await client.post(IMAGES, files=form())).json()["id"]
    other = (await client.post("/products/2/images", files=form(picture, "orange.png"))).json()["id"]
    entries = [{"sha256": digest(picture)}, {"sha256": digest(png()).upper()}]
    body = await synced(client, entries)
    copy = ids(body)[0]
    assert (outcomes(body), ids(body)) == (["copied", "moved"], [copy, mine])
    assert copy != other
    assert [(each["sha256"], each["filename"]) for each in body["images"]] == [
        (digest(picture), "orange.png"),
        (digest(png()), "photo.png"),
    ]
    assert await order(client, 2) == [other]
    again = await synced(client, entries)
    assert (again["images"], outcomes(again)) == (body["images"], ["unchanged"] * 2)


async def test_the_same_picture_twice_is_two_images(client: httpx.AsyncClient, shop: Shop) -> None:
    url = shop.has("/red", png())
    entries = [{"src": url, "alt": "one"}, {"src": url, "alt": "two"}, {"sha256": digest(png()), "alt": "three"}]
    body = await synced(client, entries[:2])
    assert len(set(ids(body))) == 2
    body = await synced(client, entries)
    assert [image["alt"] for image in body["images"]] == ["one", "two", "three"]
    for _ in range(2):
        again = await synced(client, entries)
        assert (again["images"], outcomes(again)) == (body["images"], ["unchanged"] * 3)
    once = await synced(client, entries[1:2], refetch="never")
    assert ids(once) == ids(body)[:1]  # the first that it can mean


async def test_bytes_and_their_source_do_not_change_places(client: httpx.AsyncClient, shop: Shop) -> None:
    """Each of two images is what either entry means: again they find what they had."""
    url = shop.has("/red", png())
    await client.post(IMAGES, files=form())
    entries = [{"src": url}, {"sha256": digest(png())}]
    first = await synced(client, entries)
    copied = await synced(client, [*entries, {"sha256": digest(png())}])
    for body in (await synced(client, entries), await synced(client, entries)):
        assert (body["images"], set(outcomes(body)) - {"removed"}) == (first["images"], {"unchanged"})
    assert len(copied["images"]) == 3


async def test_other_spellings_of_a_source(client: httpx.AsyncClient, shop: Shop) -> None:
    url = shop.has("/a%20red.png", png())
    first = await synced(client, [{"src": url}])
    body = await synced(client, [{"src": url.replace("/a%20red", "/x/../a%20red") + "#top"}], refetch="never")
    assert (ids(body), outcomes(body)) == (ids(first), ["unchanged"])


async def test_queries_that_are_not_ascii(client: httpx.AsyncClient, shop: Shop) -> None:
    """In UTF-8 as written or percent-encoded, and in Latin-1; also of a picture that an ordinary create has fetched."""
    created = await client.post(IMAGES, json={"src": shop.has("/b?n=%F1", png("blue"))})
    entries = [{"src": shop.has("/a?n=cami%C3%B3n&w", png())}, {"src": shop.server.url("/b?n=%F1")}]
    assert outcomes(await synced(client, entries, "&dry_run=true")) == ["fetch", "moved"]
    first = await synced(client, entries)
    assert (outcomes(first), ids(first)[1]) == (["added", "moved"], created.json()["id"])
    again = await synced(client, [{"src": shop.server.url("/a?n=camión&w=")}, entries[1]], refetch="never")
    assert (outcomes(again), again["images"]) == (["unchanged"] * 2, first["images"])


async def test_urls_of_its_own_pictures_are_never_fetched(client: httpx.AsyncClient, shop: Shop) -> None:
    here = (await client.post(IMAGES, files=form())).json()
    there = (await client.post("/products/2/images", files=form(png("blue")))).json()
    gone = (await client.post("/products/2/images", files=form(png("green")))).json()
    await client.delete(f"/products/2/images/{gone['id']}")
    entries = [
        {"src": there["src"]},
        {"src": here["src"].replace(DELIVERY, "https://cdn.example")},
        {"src": here["src"]},
        {"src": gone["src"]},
        {"src": f"{DELIVERY}/stores/none.png"},
    ]
    body = await synced(client, entries)
    assert outcomes(body) == ["copied", "moved", "copied", "failed", "failed"]
    assert failures(body) == [(3, "deleted", None), (4, "not_found", None)]
    assert [each["sha256"] for each in body["images"]] == [digest(png("blue")), *[digest(png())] * 2]
    again = await synced(client, entries)
    assert (again["images"], again["revision"]) == (body["images"], body["revision"])


async def test_what_belongs_to_another_is_what_does_not_exist(client: httpx.AsyncClient, service: Service) -> None:
    """Of another product, of none, of another store: by id and by bytes."""
    elsewhere = (await client.post("/products/2/images", files=form(png("blue")))).json()["id"]
    alone = await orphan(client, png("green"))
    async with service.client(headers={"Authorization": f"Bearer {(await service.new_store()).token}"}) as other:
        foreign = (await other.post(IMAGES, files=form(png("gold")))).json()["id"]
    entries = [{"id": elsewhere}, {"id": alone}, {"id": foreign}, {"id": 2**62}, {"sha256": digest(png("gold"))}]
    body = await synced(client, entries)
    missing = [(index, "image_not_found", None) for index in range(4)]
    assert failures(body) == [*missing, (4, "sha256_not_found", None)]
    assert (body["images"], body["revision"]) == ([], 0)
    assert (await client.get(f"/images/{elsewhere}")).json()["product_id"] == 2


async def test_updated_at_changes_for_those_that_the_list_changes(client: httpx.AsyncClient, service: Service) -> None:
    first, second, third = [(await added(client))["id"] for _ in range(3)]
    before = {image["id"]: image["updated_at"] for image in (await shown(client))["images"]}
    async with service.database.transaction() as session:
        await session.exec(update(ImageRow).where(col(ImageRow.id).in_(before)).values(updated_at=LONG_AGO))
    body = await synced(client, [{"id": second}, {"id": first}], missing="keep")
    changed = {image["id"]: not image["updated_at"].startswith("2020") for image in body["images"]}
    assert changed == {second: True, first: True, third: False}
    assert before.keys() == changed.keys()


async def test_more_than_a_product_may_have(client: httpx.AsyncClient, shop: Shop) -> None:
    url = shop.has("/red", png())
    kept = (await added(client))["id"]
    answer = await put(client, [{"src": url}] * 250, missing="keep")
    assert (answer.status_code, answer.json()["code"]) == (422, "gallery_full")
    assert shop.asked == []
    assert (await client.put(GALLERY, json={"images": [{"src": url}] * 251})).json()["errors"] == {
        "images": ["is too long (maximum is 250 entries)"]
    }
    assert ids(await shown(client)) == [kept]
