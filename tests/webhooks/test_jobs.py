"""The end of a job is an event, and so is an image that will not be there."""

import httpx

from tests.ingest.server import ScriptedServer, answer
from tests.shop import PRODUCT, page, png
from tests.webhooks.conftest import webhook
from tests.webhooks.receiver import Receiver

IMAGES = f"/products/{PRODUCT}/images"
LATER = {"Prefer": "respond-async"}


async def test_a_create_that_comes_to_something(
    shop: httpx.AsyncClient, receiver: Receiver, server: ScriptedServer
) -> None:
    server.pages["/photo.png"] = page(png())
    await webhook(shop, receiver, "job.finished", "image.created", "image.failed")
    job = (await shop.post(IMAGES, json={"src": server.url("/photo.png")}, headers=LATER)).json()
    messages = {each.type: each.data for each in await receiver.wait(2)}
    assert messages.keys() == {"job.finished", "image.created"}
    ended = messages["job.finished"]
    assert (ended["job_id"], ended["kind"], ended["state"]) == (job["id"], "create", "finished")
    assert (await shop.get(ended["url"])).json()["result"]["id"] == messages["image.created"]["id"]


async def test_a_create_that_comes_to_nothing(
    shop: httpx.AsyncClient, receiver: Receiver, server: ScriptedServer
) -> None:
    server.pages["/photo.png"] = answer(404)
    await webhook(shop, receiver)
    src = server.url("/photo.png")
    job = (await shop.post(IMAGES, json={"src": src}, headers=LATER)).json()
    messages = {each.type: each.data for each in await receiver.wait(2)}
    assert messages.keys() == {"job.finished", "image.failed"}
    assert messages["job.finished"]["state"] == "failed"
    failed = messages["image.failed"]
    assert failed.pop("store_id") > 0
    assert failed.pop("url").endswith(f"/jobs/{job['id']}")
    assert failed == {
        "job_id": job["id"],
        "product_id": PRODUCT,
        "src": src,
        "reason": "not_found",
        "status": 404,
    }
