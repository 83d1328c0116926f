"""The request around a list: what is refused, conditions, repeats, and several at once."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.api.repeated import HeldStorage, new_key
from tests.conftest import Service, StartService
from tests.ingest.server import answer
from tests.shop import added, png
from tests.sync.calls import GALLERY, ids, outcomes, shown, synced
from tests.sync.host import Shop
from tests.sync.test_sync import digest

ONE_OF = "must have exactly one of id, src and sha256"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"images": ["can't be blank"]}),
        ({"images": {}}, {"images": ["must be a list"]}),
        ({"images": [{}]}, {"images[0]": [ONE_OF]}),
        ({"images": [{"id": 1}, {"id": 1, "src": "http://a.example/a.png"}]}, {"images[1]": [ONE_OF]}),
        ({"images": [{"id": 0}]}, {"images[0].id": ["must be greater than or equal to 1"]}),
        ({"images": [{"sha256": "abc"}]}, {"images[0].sha256": ["must be 64 hex digits"]}),
        ({"images": [{"id": 1, "alt": True}]}, {"images[0].alt": ["must be a string or a map of language to string"]}),
        ({"images": [{"id": 1, "url": "x"}]}, {"images[0].url": ["is not known"]}),
        ({"images": [{"id": 1}, {"id": "1"}]}, {"images": ["must not name an id twice"]}),
        ({"images": [{"id": 1, "filename": "a.png"}]}, {"images[0]": ["filename goes with src"]}),
        ({"images": [], "missing": "drop"}, {"missing": ["must be 'remove' or 'keep'"]}),
        ({"images": [], "refetch": None}, {"refetch": ["must be 'changed', 'never' or 'always'"]}),
        ({"images": [], "stop": True}, {"stop": ["is not known"]}),
    ],
)
async def test_what_is_no_list(client: httpx.AsyncClient, body: dict[str, Any], errors: dict[str, list[str]]) -> None:
    refused = await client.put(GALLERY, json=body)
    assert (refused.status_code, refused.json()["errors"]) == (422, errors)
    assert refused.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"images": [{"id": ID}], "images": []}', "images"),
        ('{"images": [{"id": ID, "alt": "a", "alt": null}]}', "alt"),
        ('{"images": [{"id": ID, "alt": {"\\ud800": "a", "\\ud800": "b"}}]}', "\\ud800"),
    ],
)
async def test_a_name_that_is_there_twice(client: httpx.AsyncClient, body: str, field: str) -> None:
    """A second list, perhaps an empty one, must not remove what the first one names."""
    image = (await added(client))["id"]
    json = {"Content-Type": "application/json"}
    refused = await client.put(GALLERY, content=body.replace("ID", str(image)), headers=json)
    assert (refused.status_code, refused.json()["errors"]) == (422, {field: ["is there twice"]})
    assert ids(await shown(client)) == [image]
    for method, route in (("PUT", "/products/1"), ("POST", "/products"), ("POST", "/webhooks"), ("POST", "/uploads")):
        refused = await client.request(method, route, content='{"name": "a", "name": "b"}', headers=json)
        assert (refused.status_code, "is there twice" in refused.text) == (422, True)


async def test_large_lists(client: httpx.AsyncClient) -> None:
    alt = {f"l{number}": "text" for number in range(50)}
    fits = await client.put(GALLERY, json={"images": [{"id": number, "alt": alt} for number in range(1, 251)]})
    assert fits.status_code == 200
    too_long = await client.put(GALLERY, json={"images": [{"id": 1, "alt": "x" * 2_100_000}]})
    assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_long")
    assert too_long.json()["detail"] == "The body is too long, or holds too many values"


@pytest.mark.parametrize(("method", "route"), [("PUT", GALLERY), ("POST", "/uploads"), ("POST", "/webhooks")])
async def test_names_of_any_kind(client: httpx.AsyncClient, method: str, route: str) -> None:
    json = {"Content-Type": "application/json"}
    long = await client.request(method, route, content='{"\\u0007' + "x" * 60_000 + '": 1}', headers=json)
    assert long.status_code == 422
    assert "\\\\x07" + "x" * 49 + '"' in long.text


@pytest.mark.parametrize("body", ["[]", "{", "5", '{"images": ' + "[" * 40])
async def test_what_is_no_object(client: httpx.AsyncClient, body: str) -> None:
    refused = await client.put(GALLERY, content=body, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed_body")
    assert refused.json()["detail"] == "The body is not a JSON object, or is nested too deep"


async def test_if_match_is_tested_before_anything_is_fetched(client: httpx.AsyncClient, shop: Shop) -> None:
    entries = [{"src": shop.has("/red", png())}]
    stale = (await client.get(GALLERY)).headers["ETag"]
    kept = await added(client)
    refused = await client.put(GALLERY, json={"images": entries}, headers={"If-Match": stale})
    assert (refused.status_code, refused.json()["code"], shop.asked) == (412, "precondition_failed", [])
    planned = await client.put(f"{GALLERY}?dry_run=true", json={"images": entries}, headers={"If-Match": stale})
    assert planned.status_code == 412
    fresh = (await client.get(GALLERY)).headers["ETag"]
    done = await client.put(GALLERY, json={"images": [{"id": kept["id"]}, *entries]}, headers={"If-Match": fresh})
    assert done.status_code == 200
    assert (await client.get(GALLERY, headers={"If-None-Match": done.headers["ETag"]})).status_code == 304


async def test_if_match_is_tested_again_when_all_has_come(client: httpx.AsyncClient, shop: Shop) -> None:
    """Someone else is quicker, while a picture is on its way."""
    await added(client)
    fresh = (await client.get(GALLERY)).headers["ETag"]

    async def send(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await added(client)
        writer.write(answer(200, png()))

    shop.server.pages["/red"] = send
    body = {"images": [{"src": shop.server.url("/red")}]}
    refused = await client.put(GALLERY, json=body, headers={"If-Match": fresh})
    assert refused.status_code == 412
    assert len((await shown(client))["images"]) == 2


async def test_a_repeat_gets_the_first_answer(client: httpx.AsyncClient, shop: Shop) -> None:
    key, body = new_key(), {"images": [{"src": shop.has("/red", png())}]}
    first = await client.put(GALLERY, json=body, headers=key)
    await added(client)
    again = await client.put(GALLERY, json=body, headers=key)
    assert (again.content, again.headers["ETag"]) == (first.content, first.headers["ETag"])
    assert len((await shown(client))["images"]) == 2  # what came since is left alone
    other = await client.put(GALLERY, json={"images": []}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_refused")
    nothing = new_key()
    same = [await client.put(GALLERY, json={"images": []}, headers=nothing) for _ in range(2)]
    assert same[0].content == same[1].content


async def test_one_that_came_to_nothing_may_be_repeated(client: httpx.AsyncClient, shop: Shop) -> None:
    key, url = new_key(), shop.has("/red", png())
    body = {"images": [{"src": url}], "on_error": "stop"}
    shop.down = {"/red": 503}
    assert (await client.put(GALLERY, json=body, headers=key)).status_code == 422
    shop.down = {}
    assert (await client.put(GALLERY, json=body, headers=key)).json()["receipts"][0]["outcome"] == "added"


async def test_several_at_once_end_as_one_of_them(client: httpx.AsyncClient, shop: Shop) -> None:
    colors = ("red", "blue", "green", "gold", "gray", "pink")
    urls = {color: shop.has(f"/{color}", png(color)) for color in colors}
    lists = [[*colors[turn:], *colors[:turn]][: 2 + turn % 4] for turn in range(6)]
    for _ in range(3):
        bodies = await asyncio.gather(
            *(
                synced(client, [{"src": urls[color], "alt": f"{number} {color}"} for color in each])
                for number, each in enumerate(lists)
            )
        )
        now = await shown(client)
        assert [image["alt"] for image in now["images"]] in [
            [f"{number} {color}" for color in each] for number, each in enumerate(lists)
        ]
        assert now["revision"] == max(body["revision"] for body in bodies)
        last = next(body for body in bodies if body["revision"] == now["revision"])
        assert last["images"] == now["images"]
        assert {digest(png(color)) for color in colors} >= {image["sha256"] for image in now["images"]}


async def test_an_image_that_goes_while_its_source_is_asked_is_fetched_anew(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    """The host has just said that it has not changed: nothing of it is left here."""
    url = shop.has("/red", png())
    [first] = ids(await synced(client, [{"src": url}]))
    send = shop.server.pages["/red"]
    assert callable(send)

    async def meanwhile(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await client.delete(f"/products/1234/images/{first}")
        await send(reader, writer)

    shop.server.pages["/red"] = meanwhile
    body = await synced(client, [{"src": url}])
    assert (outcomes(body), [image["sha256"] for image in body["images"]]) == (["added"], [digest(png())])
    assert ids(body) != [first]


async def test_unused_bytes_do_not_stay(start_service: StartService, service: Service, shop: Shop) -> None:
    """Another sync has the same bytes in place first: what was stored for this one goes."""
    storage = HeldStorage(service.settings.data_dir / "blobs")
    storage.may_store.set()
    async with start_service(parts={"storage": storage}) as own:
        token = (await own.new_store()).token
        async with own.client(headers={"Authorization": f"Bearer {token}"}) as client:
            entries = [{"src": shop.has("/red", png())}]
            bodies = await asyncio.gather(*(synced(client, entries) for _ in range(4)))
    assert sorted(outcomes(body)[0] for body in bodies).count("added") == 1
    assert len({tuple(ids(body)) for body in bodies}) == 1
    assert len(await storage.left()) == 1
