"""Which change is which event, by every way in that makes one; and what is written where nobody asks."""

import asyncio
import base64
from collections import Counter
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.conftest import DELIVERY, Service
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, form, orphan, page, png
from tests.webhooks.conftest import deliveries, uuid_of, webhook
from tests.webhooks.receiver import Receiver, answer

CREATED, UPDATED, DELETED, CHANGED = "image.created", "image.updated", "image.deleted", "gallery.changed"
IMAGES = f"/products/{PRODUCT}/images"
SHOPIFY = f"/admin/api/2026-01/products/{PRODUCT}/images"


class Ways:
    """What a way in may need: two images of a product and an orphan, and someone else's host."""

    def __init__(self, shop: httpx.AsyncClient, server: ScriptedServer) -> None:
        self.shop, self.server = shop, server

    async def prepare(self) -> None:
        self.server.pages["/photo.png"] = page(png("blue"))
        self.src = self.server.url("/photo.png")
        self.first = await added(self.shop)
        self.second = await added(self.shop)
        self.orphan = await orphan(self.shop)
        self.one = f"{IMAGES}/{self.first['id']}"

    async def sync(self, *entries: dict[str, object]) -> httpx.Response:
        synced = await self.shop.put(f"/products/{PRODUCT}/gallery", json={"images": entries})
        assert synced.status_code == 200, synced.text
        return synced

    async def ticket(self) -> httpx.Response:
        ticket = await self.shop.post("/uploads", json={"product_id": PRODUCT})
        return await self.shop.post(ticket.json()["url"].removeprefix(str(self.shop.base_url)), files=form())


def attached(color: str = "green") -> str:
    return base64.b64encode(png(color)).decode()


Act = Callable[[Ways], Awaitable[httpx.Response]]
WRITES: dict[str, tuple[Act, list[str]]] = {
    "an orphan by a form": (lambda on: on.shop.post("/v2/images.json", files=form()), [CREATED]),
    "an orphan deleted": (lambda on: on.shop.delete(f"/v2/images/{on.orphan}.json"), [DELETED]),
    "an image deleted by its id alone": (
        lambda on: on.shop.delete(f"/v2/images/{on.first['id']}.json"),
        [DELETED, CHANGED],
    ),
    "a form": (lambda on: on.shop.post(IMAGES, files=form()), [CREATED, CHANGED]),
    "base64": (lambda on: on.shop.post(IMAGES, json={"attachment": attached()}), [CREATED, CHANGED]),
    "a URL": (lambda on: on.shop.post(IMAGES, json={"src": on.src}), [CREATED, CHANGED]),
    "a copy": (lambda on: on.shop.post(IMAGES, json={"src": on.first["src"]}), [CREATED, CHANGED]),
    "at a place": (lambda on: on.shop.post(IMAGES, json={"src": on.src, "position": 1}), [CREATED, CHANGED]),
    "an orphan assigned": (lambda on: on.shop.post(IMAGES, json={"image_id": on.orphan}), [UPDATED, CHANGED]),
    "moved": (lambda on: on.shop.put(on.one, json={"position": 2}), [UPDATED, CHANGED]),
    "described": (lambda on: on.shop.put(on.one, json={"alt": "A shoe"}), [UPDATED, CHANGED]),
    "replaced": (lambda on: on.shop.put(on.one, json={"src": on.src}), [UPDATED, CHANGED]),
    "nothing changed": (lambda on: on.shop.put(on.one, json={"position": 1, "src": on.first["src"]}), []),
    "deleted": (lambda on: on.shop.delete(on.one), [DELETED, CHANGED]),
    "a product emptied": (lambda on: on.shop.delete(f"/products/{PRODUCT}"), [DELETED, DELETED, CHANGED]),
    "an empty product emptied": (lambda on: on.shop.delete("/products/99"), []),
    "a product named": (lambda on: on.shop.put(f"/products/{PRODUCT}", json={"name": "Shoe"}), [CHANGED]),
    "a gallery synced": (
        lambda on: on.sync({"id": on.second["id"]}, {"src": on.src}),  # moved, removed, added
        [UPDATED, DELETED, CREATED, CHANGED],
    ),
    "moved and described by a sync": (
        lambda on: on.sync({"id": on.second["id"], "alt": "A shoe"}, {"id": on.first["id"]}),
        [UPDATED, UPDATED, CHANGED],
    ),
    "a sync that changes nothing": (
        lambda on: on.sync({"id": on.first["id"]}, {"id": on.second["id"]}),
        [],
    ),
    "a ticket": (lambda on: on.ticket(), [CREATED, CHANGED]),
    "a script's create": (
        lambda on: on.shop.post(f"{SHOPIFY}.json", json={"image": {"attachment": attached()}}),
        [CREATED, CHANGED],
    ),
    "a script's update": (
        lambda on: on.shop.put(
            f"{SHOPIFY}/{on.first['id']}.json", json={"image": {"id": on.first["id"], "position": 2}}
        ),
        [UPDATED, CHANGED],
    ),
    "a script's delete": (lambda on: on.shop.delete(f"{SHOPIFY}/{on.first['id']}.json"), [DELETED, CHANGED]),
    "refused": (lambda on: on.shop.post(IMAGES, files=form(b"no picture")), []),
    "too late": (
        lambda on: on.shop.put(on.one, json={"alt": "x"}, headers={"If-Match": '"1-x"'}),
        [],
    ),
}


@pytest.mark.parametrize(("act", "expected"), WRITES.values(), ids=WRITES)
async def test_each_write_makes_its_events(
    shop: httpx.AsyncClient, receiver: Receiver, server: ScriptedServer, act: Act, expected: list[str]
) -> None:
    ways = Ways(shop, server)
    await ways.prepare()
    made = await webhook(shop, receiver)
    await act(ways)
    written = await deliveries(shop, made)
    assert Counter(each["type"] for each in written) == Counter(expected)
    assert Counter(each.type for each in await receiver.wait(len(expected))) == Counter(expected)


async def test_what_an_image_s_event_says(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver, CREATED)
    image = await added(shop, alt="A shoe")
    [message] = await receiver.wait(1)
    [shown] = await deliveries(shop, made)
    revision = int((await shop.get(IMAGES)).headers["ETag"].strip('"').split("-")[0])
    assert message.data == shown["data"]
    assert message.data.pop("store_id") > 0
    assert message.data == {
        "id": image["id"],
        "product_id": PRODUCT,
        "position": 1,
        "revision": revision,
        "src": image["src"],
        "url": f"{shop.base_url}/images/{image['id']}".replace("//images/", "/images/"),
        "created_at": image["created_at"],
        "updated_at": image["updated_at"],
    }
    assert (await shop.get(message.data["url"])).json()["id"] == image["id"]


async def test_an_orphan_has_neither_place_nor_revision(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    await webhook(shop, receiver, CREATED)
    await orphan(shop)
    [message] = await receiver.wait(1)
    assert [message.data[name] for name in ("product_id", "position", "revision")] == [None, None, None]


async def test_a_deleted_image_says_which_pictures_are_gone(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    image = await added(shop)
    await webhook(shop, receiver, DELETED)
    await shop.delete(f"{IMAGES}/{image['id']}")
    [message] = await receiver.wait(1)
    assert (message.data["id"], message.data["src"]) == (image["id"], image["src"])
    assert "url" not in message.data
    assert message.data["src"].startswith(DELIVERY)


async def test_each_revision_of_a_gallery_is_one_event(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    await webhook(shop, receiver, CHANGED)
    for _ in range(3):
        await added(shop)
    messages = await receiver.wait(3)
    assert sorted(each.data["revision"] for each in messages) == [1, 2, 3]
    assert {each.data["product_id"] for each in messages} == {PRODUCT}
    listed = await shop.get(messages[0].data["url"])
    assert len(listed.json()) == 3


async def test_only_what_was_asked_for_is_told(shop: httpx.AsyncClient, receiver: Receiver) -> None:
    await webhook(shop, receiver, DELETED, path="/deleted")
    await webhook(shop, receiver, CREATED, path="/created")
    await added(shop)
    await receiver.wait(1, "/created")
    assert receiver.at("/deleted") == []


async def test_another_store_hears_nothing(telling: Service, shop: httpx.AsyncClient, receiver: Receiver) -> None:
    made = await webhook(shop, receiver)
    other = await telling.new_store()
    async with telling.client(headers={"Authorization": f"Bearer {other.token}"}) as theirs:
        await added(theirs)
    assert await deliveries(shop, made) == []


async def test_nothing_is_written_where_nobody_asks(telling: Service, shop: httpx.AsyncClient) -> None:
    count = "SELECT (SELECT count(*) FROM deliveries) AS sent, (SELECT coalesce(max(id), 0) FROM pgqueuer) AS work"
    [before] = await telling.database.raw(count)
    image = await added(shop)
    await shop.delete(f"{IMAGES}/{image['id']}")
    assert await telling.database.raw(count) == [before]


async def test_a_webhook_that_goes_or_fails_fails_no_upload(
    telling: Service, shop: httpx.AsyncClient, receiver: Receiver
) -> None:
    """While images are made, webhooks are made, removed, and written to because they fail."""
    receiver.answers["/"] = answer(500)
    done = asyncio.Event()

    async def upload(product: int) -> list[int]:
        images = [await shop.post(f"/products/{product}/images", files=form()) for _ in range(15)]
        return [each.status_code for each in images]

    async def come_and_go() -> int:
        rounds = 0
        while not done.is_set():
            made = await webhook(shop, receiver)
            await telling.database.raw("UPDATE webhooks SET failing_since = now() WHERE id = $1", uuid_of(made["id"]))
            assert (await shop.delete(f"/webhooks/{made['id']}")).status_code == 200
            rounds += 1
        return rounds

    going = asyncio.create_task(come_and_go())
    statuses = await asyncio.gather(*(upload(product) for product in range(1, 5)))
    done.set()
    assert await going > 1
    assert {status for each in statuses for status in each} == {201}
