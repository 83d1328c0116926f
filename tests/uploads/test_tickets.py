"""What a store asks for and is answered; what a front-end may then do, without a token."""

import base64
from datetime import datetime
from typing import Any

import httpx
import pytest

from image_service.stores import tokens
from image_service.stores.registry import NewStore
from image_service.stores.tokens import Scope
from tests.api.repeated import new_key, same
from tests.conftest import API, Service, StartService
from tests.ingest.server import ScriptedServer
from tests.scrape import Scrape
from tests.shop import PRODUCT, added, form, order, orphan, page, png
from tests.uploads.tickets import COLORS, SHOP, at, left, refusal, sent, ticket

MAX = 10_485_759  # bytes of a picture
NEW = dict.fromkeys(("id", "url", "created_at", "expires_at"))  # differ between tickets


# --- made and looked at ---


async def test_made_with_all_that_may_be_said(client: httpx.AsyncClient) -> None:
    asked = {"product_id": PRODUCT, "position": 2, "files": 5, "bytes": 9000, "bytes_per_file": 4000, "origins": [SHOP]}
    answer = await client.post("/uploads", json={**asked, "expires_in": 60})
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{API}/uploads/{made['id']}"
    assert answer.headers["cache-control"] == "no-store"
    assert made["url"].startswith(f"{API}/uploads/{made['id']}?expires=")
    seen = (await client.get(f"/uploads/{made['id']}")).json()
    assert {**seen, "url": made["url"]} == made
    assert seen | asked == seen
    assert (seen["status"], seen["files_left"], seen["bytes_left"]) == ("open", 5, 9000)
    lasts = datetime.fromisoformat(seen["expires_at"]) - datetime.fromisoformat(seen["created_at"])
    assert lasts.total_seconds() == 60


@pytest.mark.parametrize("unset", [None, ""])
async def test_made_with_nothing_said(client: httpx.AsyncClient, unset: str | None) -> None:
    numbers = ("product_id", "position", "files", "bytes", "bytes_per_file", "expires_in")
    made = await ticket(client, **dict.fromkeys(numbers, unset), origins=None)
    assert {**made, **NEW} == {**await ticket(client), **NEW}
    assert (made["product_id"], made["position"], made["origins"]) == (None, None, [])
    assert (made["files"], made["bytes"], made["bytes_per_file"]) == (1, MAX, MAX)
    lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
    assert lasts.total_seconds() == 900


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({"files": 0}, "files", "must be greater than or equal to 1"),
        ({"files": 251}, "files", "must be less than or equal to 250"),
        ({"files": "five"}, "files", "must be an integer"),
        ({"bytes": 0}, "bytes", "must be greater than or equal to 1"),
        ({"bytes_per_file": MAX + 1}, "bytes_per_file", f"must be less than or equal to {MAX}"),
        ({"expires_in": 3601}, "expires_in", "must be less than or equal to 3600"),
        ({"expires_in": 0}, "expires_in", "must be greater than or equal to 1"),
        ({"product_id": 2**63}, "product_id", f"must be less than or equal to {2**63 - 1}"),
        ({"product_id": 1, "position": 0}, "position", "must be greater than or equal to 1"),
        ({"position": 1}, "position", "needs a product_id"),
        ({"origins": SHOP}, "origins", "must be a list"),
        ({"origins": [7]}, "origins", "must be a string"),
        ({"origins": [SHOP] * 21}, "origins", "is too long (maximum is 20 entries)"),
        ({"file": 5}, "file", "is not known"),
        *(
            (
                {"origins": [each]},
                "origins",
                "each is scheme://host, perhaps with :port, in lower case and without a path",
            )
            for each in (
                "*",
                "null",
                SHOP + "/",
                "https://Shop.example.com",
                "shop.example.com",
                "capacitor://",
                "file:///a.html",
            )
        ),
    ],
)
async def test_what_cannot_be_asked_for(client: httpx.AsyncClient, asked: Any, field: str, message: str) -> None:
    answer = await client.post("/uploads", json=asked)
    assert (answer.status_code, answer.json()) == (422, {field: [message]})


async def test_bodies_that_ask_for_nothing(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/uploads", content=b"{", headers={"Content-Type": "application/json"})
    ).status_code == 400
    assert refusal(await client.post("/uploads", files=form()))[0] == 415
    assert refusal(await client.post("/uploads", json={"origins": ["x" * 70_000]}))[0] == 413


async def test_the_longest_that_the_settings_allow(start_service: StartService) -> None:
    async with start_service(upload_ticket_max_seconds=100) as short:
        store = await short.new_store()
        async with short.client(headers={"Authorization": f"Bearer {store.token}"}) as client:
            assert (await client.post("/uploads", json={"expires_in": 101})).status_code == 422
            made = await ticket(client)
            lasts = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["created_at"])
            assert lasts.total_seconds() == 100


async def test_it_takes_a_token_that_may_write(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, service: Service, store: NewStore
) -> None:
    made = await ticket(client)
    assert (await anyone.post("/uploads", json={})).status_code == 401
    for method in ("GET", "DELETE"):
        assert (await anyone.request(method, at(made))).status_code == 401
    reader = {"Authorization": f"Bearer {await tokens.issue(service.database, store.store_id, Scope.READ)}"}
    assert (await anyone.post("/uploads", json={}, headers=reader)).status_code == 403
    assert (await anyone.delete(f"/uploads/{made['id']}", headers=reader)).status_code == 403
    seen = await anyone.get(f"/uploads/{made['id']}", headers=reader)
    assert seen.status_code == 200
    assert "url" not in seen.json()  # it would be a right to write
    other = await service.new_store()
    stranger = {"Authorization": f"Bearer {other.token}"}
    for method in ("GET", "DELETE"):
        for id in (made["id"], "0" * 32, "7", made["id"].upper()):
            answer = await anyone.request(method, f"/uploads/{id}", headers=stranger)
            assert refusal(answer) == (404, "No such upload ticket")
    assert (await sent(anyone, made)).status_code == 201


async def test_asking_again_with_the_same_key_is_the_same_ticket(client: httpx.AsyncClient) -> None:
    key = new_key()
    answers = [await client.post("/uploads", json={"files": 2}, headers=key) for _ in range(2)]
    assert same(answers)
    assert answers[0].status_code == 201
    assert (await client.post("/uploads", json={"files": 3}, headers=key)).status_code == 422


# --- used ---


async def test_the_answer_is_the_products_own(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT, files=2)
    answer = await sent(anyone, made, data={"alt": "a red one"})
    image = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{API}/products/{PRODUCT}/images/{image['id']}"
    assert answer.headers["etag"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert (await client.get(f"/products/{PRODUCT}/images/{image['id']}")).json() == image
    everything = (await anyone.post(at(made) + "&fields=all", files=form(), data={"alt[en]": "red"})).json()
    assert (everything["alt"], everything["filename"]) == ({"en": "red"}, "photo.png")
    assert (await client.get(f"/images/{image['id']}?fields=alt,filename")).json() == {
        "alt": "a red one",
        "filename": "red.png",
    }
    assert await order(client) == [image["id"], everything["id"]]


async def test_without_a_product_they_are_on_none(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    answer = await sent(anyone, await ticket(client))
    image = answer.json()
    assert (image["product_id"], image["position"]) == (None, None)
    assert answer.headers["location"] == f"{API}/images/{image['id']}"
    assert [each["id"] for each in (await client.get("/images?assigned=false")).json()] == [image["id"]]


async def test_files_follow_each_other_from_the_position(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    before = [(await added(client))["id"] for _ in range(2)]
    made = await ticket(client, product_id=PRODUCT, position=2, files=3)
    mine = []
    for color in COLORS[:2]:
        mine.append((await sent(anyone, made, color)).json()["id"])
        assert (await anyone.post(at(made), files=form(b"no picture"))).status_code == 422
    mine.append((await sent(anyone, made, "blue")).json()["id"])
    assert await order(client) == [before[0], *mine, before[1]]


async def test_no_more_than_its_files(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT, files=2)
    for count in (1, 0):
        assert (await sent(anyone, made)).status_code == 201
        assert await left(client, made) == count
    assert refusal(await sent(anyone, made)) == (410, "The upload ticket is used up")
    assert (await client.get(f"/uploads/{made['id']}")).json()["status"] == "used_up"
    assert len(await order(client)) == 2


async def test_no_more_than_its_bytes(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    size = len(png("red"))
    made = await ticket(client, files=5, bytes=2 * size - 1)
    assert (await sent(anyone, made)).status_code == 201
    refused = await sent(anyone, made)
    why = f"is too large: the upload ticket has {size - 1} bytes left"
    assert (refused.status_code, refused.json()) == (413, {"file": [why]})
    assert (await client.get(f"/uploads/{made['id']}")).json()["bytes_left"] == size - 1
    exact = await ticket(client, files=5, bytes=size)
    assert (await sent(anyone, exact)).status_code == 201
    assert refusal(await sent(anyone, exact)) == (410, "The upload ticket is used up")


async def test_no_file_larger_than_allowed(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    size = len(png("red"))
    made = await ticket(client, files=5, bytes_per_file=size - 1)
    refused = await sent(anyone, made)
    assert (refused.status_code, refused.json()) == (413, {"file": [f"must weigh less than {size} bytes"]})
    fits = await ticket(client, bytes_per_file=size)
    assert (await sent(anyone, fits)).status_code == 201
    huge = await anyone.post(at(await ticket(client)), files=form(b"x" * (MAX + 1)))
    assert (huge.status_code, huge.json()) == (413, {"file": ["must weigh less than 10MB"]})


async def test_a_refusal_uses_nothing_up(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    made = await ticket(client, product_id=PRODUCT)
    broken = await anyone.post(at(made), files=form(b"no picture"))
    assert (broken.status_code, broken.json()) == (422, {"file": ["must be a jpg, png, gif, webp or avif image"]})
    assert await left(client, made) == 1
    assert (await sent(anyone, made)).status_code == 201


async def test_tries_are_bounded(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """Or a stranger could have garbage checked for as long as the ticket lasts."""
    made = await ticket(client)
    for _ in range(10):
        assert (await anyone.post(at(made), files=form(b"no picture"))).status_code == 422
    assert refusal(await sent(anyone, made)) == (410, "The upload ticket has been tried too often")
    assert (await client.get(f"/uploads/{made['id']}")).json()["status"] == "tried_too_often"


async def test_a_full_product(start_service: StartService) -> None:
    async with start_service(max_images_per_product=2) as small:
        store = await small.new_store()
        async with small.client(headers={"Authorization": f"Bearer {store.token}"}) as client, small.client() as anyone:
            first = await added(client)
            made = await ticket(client, product_id=PRODUCT, files=2)
            await sent(anyone, made)
            assert (await sent(anyone, made)).json()[
                "description"
            ] == "Product is not allowed to have more than 2 images"
            assert await left(client, made) == 1
            await client.delete(f"/images/{first['id']}")
            assert (await sent(anyone, made)).status_code == 201
            more = await client.post("/uploads", json={"files": 3})
            assert (more.status_code, more.json()) == (422, {"files": ["must be less than or equal to 2"]})


async def test_only_a_file(client: httpx.AsyncClient, anyone: httpx.AsyncClient, server: ScriptedServer) -> None:
    """A stranger may neither send the service to a URL, nor say where the image goes."""
    made = await ticket(client, product_id=PRODUCT)
    others = {
        "src": server.url("/a.png"),
        "attachment": "aGk=",
        "image_id": str(await orphan(client)),
        "position": "1",
        "product_id": "99",
    }
    for name, value in others.items():
        answer = await anyone.post(at(made), files=form(), data={name: value})
        assert (answer.status_code, answer.json()) == (422, {name: ["can't be given with an upload ticket"]})
    data = f"data:image/png;base64,{base64.b64encode(png()).decode()}"
    answer = await anyone.post(at(await ticket(client, product_id=PRODUCT)), files={"src": (None, data)})
    assert (answer.status_code, answer.json()) == (422, {"src": ["can't be given with an upload ticket"]})
    assert refusal(await anyone.post(at(made), json={"src": others["src"]}))[0] == 415
    for nothing, why in ({"other": ("a.png", png())}, ": other was sent, file is wanted"), ({"file": ("", b"")}, ""):
        answer = await anyone.post(at(made), files=nothing)
        assert (answer.status_code, answer.json()) == (422, {"file": [f"can't be blank{why}"]})
    two = [("file", ("a.png", png())), ("file", ("b.png", png()))]
    answer = await anyone.post(at(made), files=two)
    assert (answer.status_code, answer.json()) == (422, {"file": ["must be a single file"]})
    assert server.connections == 0
    assert await left(client, made) == 1


async def test_fields_that_a_library_adds(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    """WebUploader's, with its defaults."""
    fields = {"id": "WU_FILE_0", "name": "a.png", "type": "image/png", "lastModifiedDate": "Mon", "size": "75"}
    answer = await anyone.post(at(await ticket(client)), data=fields, files=form())
    assert answer.status_code == 201


async def test_a_reused_image_shows_nothing_that_the_holder_did_not_send(
    client: httpx.AsyncClient, anyone: httpx.AsyncClient, server: ScriptedServer
) -> None:
    server.pages["/a.png?key=secret"] = page(png())
    body = {"src": server.url("/a.png?key=secret"), "alt": "a note", "filename": "draft.png"}
    there = (await client.post(f"/products/{PRODUCT}/images?fields=all", json=body)).json()
    assert there["source_url"] == body["src"]
    made = await ticket(client, product_id=PRODUCT)
    for fields in ("all", "id,source_url,alt,filename,width", "source_url"):
        answer = await anyone.post(f"{at(made)}&on_duplicate=reuse&fields={fields}", files=form())
        assert (answer.status_code, answer.json()["id"]) == (200, there["id"])
        assert not {"alt", "filename", "source_url"} & answer.json().keys()
    assert "variants" in (await anyone.post(f"{at(made)}&on_duplicate=reuse&fields=all", files=form())).json()


async def test_they_are_counted_apart(client: httpx.AsyncClient, anyone: httpx.AsyncClient) -> None:
    async def counted(**labels: str) -> float:
        return Scrape((await anyone.get("/metrics")).text).value("http_requests_total", dialect="uploads", **labels)

    sought = [
        {"route": "/uploads", "status": "201"},
        {"route": "/uploads/{id}", "status": "201"},
        {"route": "/uploads/{id}", "status": "410"},
    ]
    before = [await counted(**each) for each in sought]
    made = await ticket(client)
    await sent(anyone, made)
    await sent(anyone, made)
    assert [await counted(**each) for each in sought] == [count + 1 for count in before]
