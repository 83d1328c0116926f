"""Values as existing clients send them: taken where only one thing can be meant, else refused."""

import base64
import json
from typing import Any

import httpx
import pytest

from image_service.ingest.fetch_url import comparable
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, order, page, png

IMAGES = f"/products/{PRODUCT}/images"
ATTACHMENT = base64.b64encode(png()).decode()


@pytest.mark.parametrize("first", ["1", "1.0", "1.00", 1.0])
async def test_integers_may_be_strings(client: httpx.AsyncClient, first: Any) -> None:
    ids = [(await added(client))["id"] for _ in range(2)]
    body = {"id": str(ids[1]), "product_id": f"{PRODUCT}.0", "position": first}
    answer = await client.put(f"{IMAGES}/{ids[1]}", json=body)
    assert (answer.status_code, answer.json()["position"]) == (200, 1)
    assert await order(client) == ids[::-1]
    alone = (await client.post("/v2/images.json", files={"file": ("a.png", png())})).json()["id"]
    assert (await client.post(IMAGES, json={"image_id": alone, "position": first})).status_code == 201
    assert (await client.post(IMAGES, data={"position": str(first)}, files={"file": png()})).json()["position"] == 1


@pytest.mark.parametrize("value", ["1.5", "one", "1_0", " 1", "1.", ".0", "0x1", True, 1.5, [1], "-1", "0", 0, {}])
async def test_what_is_no_integer_is_refused(client: httpx.AsyncClient, value: Any) -> None:
    answer = await client.post(IMAGES, json={"attachment": ATTACHMENT, "position": value})
    assert (answer.status_code, list(answer.json())) == (422, ["position"])


@pytest.mark.parametrize(
    "unset",
    [
        *({name: value} for name in ("id", "product_id", "image_id") for value in (0, "0", "", None)),
        {"position": ""},
        {"position": None},
    ],
    ids=str,
)
async def test_what_a_typed_client_has_not_set_is_absent_in_a_create(
    client: httpx.AsyncClient, unset: dict[str, Any]
) -> None:
    answer = await client.post(IMAGES, json={"attachment": ATTACHMENT, **unset})
    assert (answer.status_code, answer.json()["position"]) == (201, 1)
    texts = {name: (None, str(value)) for name, value in unset.items() if value is not None}
    answer = await client.post(IMAGES, files={"file": ("a.png", png()), **texts})
    assert (answer.status_code, answer.json()["position"]) == (201, 2)
    [value] = unset.values()
    updated = await client.put(f"{IMAGES}/{answer.json()['id']}", json=unset)
    assert updated.status_code == (422 if value in (0, "0") else 200)  # an update may not change an id


@pytest.mark.parametrize("value", [5, -1, 10**30, "tmp-1", "WU_FILE_0", False, [], {}, 0.5], ids=str)
async def test_an_id_in_a_create_is_ignored(client: httpx.AsyncClient, value: Any) -> None:
    made = await client.post(IMAGES, json={"attachment": ATTACHMENT, "id": value})
    assert made.status_code == 201
    assert made.json()["id"] != value
    files: dict[str, Any] = {
        "file": ("a.png", png()),
        "id": (None, str(value)),
        "id[]": (None, "\xe9".encode("latin-1")),
    }
    assert (await client.post(IMAGES, files=files)).status_code == 201


@pytest.mark.parametrize("name", ["image_id", "product_id"])
@pytest.mark.parametrize("value", [False, -1, "x", [], 0.5], ids=str)
async def test_other_values_are_refused(client: httpx.AsyncClient, name: str, value: Any) -> None:
    answer = await client.post(IMAGES, json={"attachment": ATTACHMENT, name: value})
    assert (answer.status_code, list(answer.json())) == (422, [name])


async def test_another_id_as_a_string_is_another_id(client: httpx.AsyncClient) -> None:
    id_ = (await added(client))["id"]
    answer = await client.put(f"{IMAGES}/{id_}", json={"id": str(id_ + 1)})
    assert (answer.status_code, answer.json()) == (422, {"id": ["can't be changed"]})


@pytest.mark.parametrize("none", [[], [None], {"es": None}, {"es": None, "en": None}, None])
async def test_no_alt_in_every_spelling(client: httpx.AsyncClient, none: Any) -> None:
    id_ = (await added(client, alt="A shoe"))["id"]
    answer = await client.put(f"{IMAGES}/{id_}?fields=alt", json={"alt": none})
    assert (answer.status_code, answer.json()) == (200, {"alt": None})


async def test_an_alt_in_a_list_of_its_own_is_that_text(client: httpx.AsyncClient) -> None:
    answer = await client.put(f"{IMAGES}/{(await added(client))['id']}?fields=alt", json={"alt": ["A shoe"]})
    assert (answer.status_code, answer.json()) == (200, {"alt": "A shoe"})


@pytest.mark.parametrize("name", ["alt[]", "alt[0]", "alt[1]"])
async def test_so_it_is_in_a_form(client: httpx.AsyncClient, name: str) -> None:
    own = f"{IMAGES}/{(await added(client))['id']}?fields=alt"
    answer = await client.put(own, files={name: (None, "A shoe")})
    assert (answer.status_code, answer.json()) == (200, {"alt": "A shoe"})
    answer = await client.put(own, files=[("alt[es]", (None, "Un zapato")), ("alt[0]", (None, ""))])
    assert answer.json() == {"alt": {"es": "Un zapato"}}
    answer = await client.put(own, files=[(name, (None, "A shoe")), ("alt[]", (None, "Un zapato"))])
    assert (answer.status_code, answer.json()) == (422, {"alt": ["must be a string or a map of language to string"]})


async def test_a_language_without_a_text_is_left_out(client: httpx.AsyncClient) -> None:
    id_ = (await added(client))["id"]
    answer = await client.put(f"{IMAGES}/{id_}?fields=alt", json={"alt": {"es": None, "en": "A shoe"}})
    assert answer.json() == {"alt": {"en": "A shoe"}}
    for wrong in (["A shoe", "Un zapato"], [["A shoe"]], [True], [{"es": "x"}], {"es": ["x"]}, {"es": False}, False):
        assert (await client.put(f"{IMAGES}/{id_}", json={"alt": wrong})).status_code == 422


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(2024, "2024"), (1.5, "1.5"), (10**400, str(10**400)), ([7], "7"), ({"es": 7, "en": "x"}, {"es": "7", "en": "x"})],
    ids=["whole", "fraction", "beyond a float", "in a list", "by language"],
)
async def test_texts_may_be_numbers(client: httpx.AsyncClient, sent: Any, stored: Any) -> None:
    """PHP's `JSON_NUMERIC_CHECK` writes them so."""
    body = {"attachment": ATTACHMENT, "alt": sent, "filename": 123}
    answer = await client.post(f"{IMAGES}?fields=alt,filename", json=body)
    assert (answer.status_code, answer.json()) == (201, {"alt": stored, "filename": "123"})


async def test_a_number_that_is_none_is_no_text(client: httpx.AsyncClient) -> None:
    body = f'{{"attachment": "{ATTACHMENT}", "alt": 1e400}}'
    answer = await client.post(IMAGES, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (422, {"alt": ["must be a string or a map of language to string"]})


async def test_empty_parameters_are_as_absent(client: httpx.AsyncClient) -> None:
    image = await added(client)
    for query in ("since_id=&page=&per_page=&fields=&src=&position=", "since_id&page", "&&", "fields=id&since_id="):
        answer = await client.get(f"{IMAGES}?{query}")
        assert (answer.status_code, [each["id"] for each in answer.json()]) == (200, [image["id"]]), query
    assert (await client.get("/products?since_id=&fields=&page=")).status_code == 200
    assert (await client.get("/images?assigned=&since_id=")).status_code == 200
    assert (await client.get(f"{IMAGES}?since_id=%20")).status_code == 422


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "",
        "application/json",
        "text/json",
        "application/x-json",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf \r\n", b"\n  "])
async def test_json_by_another_name_or_behind_a_byte_order_mark(
    client: httpx.AsyncClient, kind: str, mark: bytes
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    small = json.dumps({"attachment": ATTACHMENT, "filename": "a.png"}).encode()
    large = json.dumps(
        {"filename": "a.png", "alt": "x", "attachment": base64.b64encode(png() + bytes(100_000)).decode()}
    )
    for body in (small, large.encode()):
        answer = await client.post(IMAGES, content=mark + body, headers=headers)
        assert answer.status_code == 201, answer.text
    assert (await client.post("/uploads", content=mark + b'{"files": "2"}', headers=headers)).status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
async def test_other_text_is_no_json(client: httpx.AsyncClient, kind: str) -> None:
    for text in (b"src=http%3A%2F%2Fa.test%2Fx.png", b"\xef\xbb\xbfx", b"[]"):
        for path in (IMAGES, "/uploads"):
            answer = await client.post(path, content=text, headers={"Content-Type": kind})
            assert answer.status_code == 415
    answer = await client.post(IMAGES, content=b"{", headers={"Content-Type": kind})
    assert answer.status_code == 400


async def test_an_image_is_found_by_any_spelling_of_its_url(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/foto%20azul~1.png?a=x%20y"] = page(png("blue"))
    made = await client.post(IMAGES, json={"src": server.url("/foto%20azul~1.png?a=x%20y")})
    id_ = made.json()["id"]
    await added(client)
    host = server.url("")

    async def found(src: str) -> list[int]:
        return [each["id"] for each in (await client.get(IMAGES, params={"src": src})).json()]

    for rest in ("/foto azul~1.png?a=x y", "/foto%20azul%7E1.png?a=x+y", "/a/../foto%20azul%7e1.png?a=x%20y#top"):
        assert await found(host + rest) == [id_], rest
    assert await found(host.replace("http://", "HTTP://") + "/foto azul~1.png?a=x y") == [id_]
    for rest in ("/foto%2Fazul~1.png?a=x y", "/foto azul~1.png", "/Foto azul~1.png?a=x y"):
        assert await found(host + rest) == [], rest
    own = made.json()["src"]
    assert await found(own.replace("-640-0", "%2D640-0").replace("foto", "f%6Fto")) == [id_]


def test_a_default_port_and_the_case_of_a_host_say_nothing() -> None:
    same = ["http://a.test/x", "http://A.Test:80/x", "HTTP://a.test./x", " http://a.test/x#y "]
    assert len({comparable(each) for each in same}) == 1
    assert comparable("//a.test:443/x") == comparable("https://a.test/x")
    others = ["https://a.test/x", "http://a.test:8080/x", "http://a.test/x/", "http://a.test/X", "http://[", "x"]
    assert len({comparable(each) for each in [*others, same[0]]}) == len(others) + 1
