"""Input that no client of good will sends: the right status in the dialect's shape, never a 500, nothing stored."""

import base64
import json
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Message

from image_service.stores.registry import NewStore
from tests.conftest import API, Service
from tests.shop import PRODUCT, form, png

IMAGES = f"/products/{PRODUCT}/images"
JSON = {"Content-Type": "application/json"}
NOT_JSON = {"error": "Problems parsing JSON"}


pytestmark = pytest.mark.usefixtures("nothing_is_stored")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{", id="cut"),
        pytest.param(b"[]", id="list"),
        pytest.param(b'"x"', id="string"),
        pytest.param(b"5", id="number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": -Infinity}', id="Infinity"),
        pytest.param(b"[" * 1000, id="deep lists"),
        pytest.param(b'{"a":' * 500, id="deep objects"),
        pytest.param(b'{"position": ' + b"9" * 5000 + b"}", id="huge number"),
        pytest.param(b"{}{}", id="two"),
        pytest.param(b"\x00", id="NUL"),
    ],
)
async def test_malformed_json(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(IMAGES, content=body, headers=JSON)
    assert (answer.status_code, answer.json()) == (400, NOT_JSON)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"alt": "\\ud800"}', "alt"),
        ('{"alt": {"\\udfff": "x"}}', "alt"),
        ('{"alt": "\\u0000"}', "alt"),
        ('{"filename": "\\ud83d", "attachment": "x"}', "filename"),
        ('{"position": 1e400, "attachment": "x"}', "position"),
        ('{"src": "http://a.test/\\ud800.png"}', "src"),
        ('{"src": "http://a.test/\\u0000.png"}', "src"),
        ('{"attachment": "\\ud800"}', "attachment"),
        ('{"image_id": "x", "attachment": "x"}', "image_id"),
    ],
)
async def test_text_that_cannot_be_kept(client: httpx.AsyncClient, body: str, field: str) -> None:
    answer = await client.post(IMAGES, content=body.encode(), headers=JSON)
    assert (answer.status_code, list(answer.json())) == (422, [field])
    assert "d800" not in answer.text


async def test_a_whole_number_may_have_a_fraction_of_zero(client: httpx.AsyncClient) -> None:
    """JSON has one kind of number, and some clients have only one to write it with."""
    attachment = base64.b64encode(png()).decode()
    for position, status in ((1.0, 201), (1.5, 422), (True, 422), ("1.5", 422)):
        answer = await client.post(IMAGES, json={"attachment": attachment, "position": position})
        assert answer.status_code == status, position
        if status == 201:
            assert answer.json()["position"] == 1
            assert (await client.delete(f"/images/{answer.json()['id']}")).status_code == 200


async def test_names_that_are_not_known_may_hold_anything(client: httpx.AsyncClient) -> None:
    for body in (b'{"\\ud800": "\\ud800"}', b'{"x": 1e400}', b'{"x": {"y": [1]}}', b"", b"  "):
        answer = await client.post(IMAGES, content=body, headers=JSON)
        assert (answer.status_code, answer.json()) == (422, {"src": ["can't be blank"]})


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png", "nonsense"])
async def test_media_types_that_are_not_read(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post(IMAGES, content=png(), headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (415, 415)


async def test_too_heavy_is_said_before_the_rest_is_read(client: httpx.AsyncClient) -> None:
    """An endless body: the answer cannot come from its end."""
    sent = 0

    async def endless(head: bytes) -> AsyncIterator[bytes]:
        nonlocal sent
        yield head
        while sent < 200_000_000:
            sent += 1_000_000
            yield bytes(1_000_000)

    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + png()
    kinds = {"multipart/form-data; boundary=x": (head, "file"), "application/json": (b'{"attachment": "', "attachment")}
    for kind, (start, field) in kinds.items():
        sent = 0
        answer = await client.post(IMAGES, content=endless(start), headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()) == (413, {field: ["must weigh less than 10MB"]})
        assert sent < 20_000_000


async def test_too_heavy_by_its_own_announcement(client: httpx.AsyncClient) -> None:
    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    for kind in ("multipart/form-data; boundary=x", "application/json"):
        answer = await client.post(IMAGES, content=body(), headers={"Content-Type": kind, "Content-Length": "99999999"})
        assert answer.status_code == 413


async def test_the_heaviest_picture_is_taken_and_one_byte_more_is_not(client: httpx.AsyncClient) -> None:
    limit = 10 * 1024 * 1024 - 1
    picture = png()
    # A private chunk of the right length: part of the picture, so it is not cut off.
    room = limit - len(picture) - 12
    end = picture.rindex(b"IEND") - 4

    def padded(length: int) -> bytes:
        chunk = b"prVt" + bytes(length)
        framed = length.to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        return picture[:end] + framed + picture[end:]

    answer = await client.post(IMAGES, files=form(padded(room)))
    assert answer.status_code == 201, answer.text
    assert (await client.delete(f"/images/{answer.json()['id']}")).status_code == 200
    answer = await client.post(IMAGES, files=form(padded(room + 1)))
    assert (answer.status_code, answer.json()) == (413, {"file": ["must weigh less than 10MB"]})


async def test_ids_that_name_nothing(client: httpx.AsyncClient) -> None:
    for id_ in ("abc", "0", "01", "-1", "1.0", "9223372036854775808", "9" * 50, "１"):
        for method, url in (("GET", f"/products/{id_}/images"), ("POST", f"/products/{id_}/images"),
                            ("GET", f"{IMAGES}/{id_}"), ("PUT", f"{IMAGES}/{id_}"), ("DELETE", f"{IMAGES}/{id_}"),
                            ("GET", f"/images/{id_}"), ("GET", f"/images/{id_}/original")):  # fmt: skip
            answer = await client.request(method, url, json={} if method in ("POST", "PUT") else None)
            assert (answer.status_code, answer.json()["code"]) == (404, 404), (method, url)


async def test_unknown_routes_and_methods(client: httpx.AsyncClient) -> None:
    for url in (
        "/nowhere",
        "/products/1/images/",
        "/v2/nowhere",
        "/v1/1/nowhere",
        f"{API}//images",
    ):  # `//images` alone would be a host
        answer = await client.get(url)
        assert answer.status_code == 404, url
        assert answer.json()["message"] == "Not Found"
    for url, methods in (
        (IMAGES, "GET, HEAD, POST"),
        (f"{IMAGES}/7", "DELETE, GET, HEAD, PUT"),
        ("/v1/1/images/7", "DELETE, GET, HEAD"),
        ("/product/1/images", "GET, HEAD"),
        ("/health/live", "GET, HEAD"),
    ):
        answer = await client.patch(url)
        assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, 405, methods)


async def test_nothing_sent_is_echoed(client: httpx.AsyncClient) -> None:
    canary = "ca<na>ry"
    answers = [
        await client.post(IMAGES, json={"alt": 5, "filename": canary, "src": canary, "position": canary}),
        await client.post(IMAGES, files={"file": (canary, canary.encode())}, data={"position": canary}),
        await client.get(f"{IMAGES}?page={canary}"),
        await client.get(f"/products/{canary}/images"),
        await client.post("/v2/images.json", files={canary: (canary, b"")}),
        await client.post(IMAGES, content=json.dumps({canary: canary})[:-1], headers=JSON),
    ]
    assert all(answer.status_code >= 400 for answer in answers)
    assert not any("na>ry" in answer.text or "na%3Ery" in answer.text for answer in answers)


async def test_fields_are_bounded_before_they_are_looked_at(client: httpx.AsyncClient) -> None:
    huge = "x" * 60_000
    for body, field, message in (
        ({"src": "http://a.test/" + huge}, "src", "is too long (maximum is 4096 characters)"),
        ({"filename": huge, "src": "x"}, "filename", "is too long (maximum is 1024 characters)"),
        ({"alt": huge, "src": "x"}, "alt", "is too long (maximum is 2000 characters)"),
        (
            {"alt": {str(n): "" for n in range(51)}, "src": "x"},
            "alt",
            "must be a string or a map of language to string",
        ),
    ):
        answer = await client.post(IMAGES, json=body)
        assert (answer.status_code, answer.json()) == (422, {field: [message]})


async def test_text_that_is_not_utf_8(client: httpx.AsyncClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="alt"\r\n\r\n\xff\xfe\r\n--x--'
    answer = await client.post(IMAGES, content=part, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.status_code == 422


async def test_what_is_no_path(service: Service) -> None:
    """`OPTIONS *`, as HTTP has it."""
    answered: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "OPTIONS",
        "path": "*",
        "raw_path": b"*",
        "query_string": b"",
        "headers": [(b"host", b"a")],
    }
    await service.app({**scope, "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http"}, receive, send)
    assert answered[0]["status"] == 404


async def test_a_client_that_goes_away_leaves_nothing(service: Service, store: NewStore) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + bytes(1_000_000)
    for kind in (b"multipart/form-data; boundary=x", b"application/json"):
        messages: list[Message] = [
            {"type": "http.request", "body": head, "more_body": True},
            {"type": "http.disconnect"},
        ]
        answered: list[Message] = []

        async def receive(left: list[Message] = messages) -> Message:
            return left.pop(0)

        async def send(message: Message, answers: list[Message] = answered) -> None:
            answers.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": IMAGES,
            "raw_path": IMAGES.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"api.test"),
                (b"content-type", kind),
                (b"authorization", f"Bearer {store.token}".encode()),
            ],
        }
        await service.app(scope, receive, send)
        assert answered == []
    assert list((service.settings.data_dir / "staging").iterdir()) == []
