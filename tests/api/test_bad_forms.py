"""Forms that no client of good will sends, under the promises of `test_bad_input`."""

import httpx
import pytest

from tests.shop import PRODUCT, form, png

IMAGES = f"/products/{PRODUCT}/images"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
pytestmark = pytest.mark.usefixtures("nothing_is_stored")


@pytest.mark.parametrize(
    "kind", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=" + "x" * 71]
)
async def test_forms_without_a_usable_boundary(client: httpx.AsyncClient, kind: str) -> None:
    answer = await client.post(IMAGES, content=b"--x\r\n", headers={"Content-Type": kind})
    assert answer.status_code == 422


async def test_malformed_forms(client: httpx.AsyncClient) -> None:
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + png() + b"\r\n"
    bodies = [
        b"",
        b"garbage",
        b"--y\r\n",
        part,
        part + part + b"--x--",
        b"--x\r\nno colon\r\n\r\n\r\n--x--",
    ]
    for body in bodies:
        answer = await client.post(IMAGES, content=body, headers=FORM)
        assert answer.status_code == 422, body[:60]
        answer = await client.post("/v2/images.json", content=body, headers=FORM)
        assert (answer.status_code, answer.json()["message"]) == (422, "Harus berupa file gambar"), body[:60]


_TEXT = b'--x\r\nContent-Disposition: form-data; name="alt"\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(_TEXT + b"b\r\n" + b"--x\r\n\r\n\r\n" * 20 + b"--x--", id="parts"),
        pytest.param((_TEXT + b"b\r\n") * 21 + b"--x--", id="fields"),
        pytest.param(_TEXT + b"b" * 65_537 + b"\r\n--x--", id="a long field"),
        pytest.param(b"--x\r\n" + b"A: b\r\n" * 9 + b"\r\n\r\n--x--", id="headers"),
        pytest.param(b"--x\r\nA: " + b"b" * 8_192 + b"\r\n\r\n\r\n--x--", id="a long header"),
        pytest.param(b"--x\r\nA: " + b"b" * 1_000_000, id="a header without end"),
        pytest.param(b"--x\r\nA: " + b"b" * 9_000 + b"\r\nno colon\r\n", id="malformed besides"),
    ],
)
async def test_overfull_forms(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post(IMAGES, content=body, headers=FORM)
    assert (answer.status_code, answer.json()) == (400, {"error": "Problems parsing the form"})
    answer = await client.post("/v2/images.json", content=body, headers=FORM)
    envelope = {"status": "ERROR", "user_id": "null", "message": "Bad Request"}
    assert (answer.status_code, answer.json()) == (400, envelope)


async def test_forms_that_are_just_not_overfull(client: httpx.AsyncClient) -> None:
    text = _TEXT + b"b" * 2_000 + b"\r\n"
    head = b"--x\r\n" + b"".join(b"A%d: %s\r\n" % (n, b"b" * 1_000) for n in range(7))
    file = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + png() + b"\r\n--x--"
    answer = await client.post(IMAGES, content=text * 19 + head + file, headers=FORM)
    assert answer.status_code == 201
    assert (await client.delete(f"/images/{answer.json()['id']}")).status_code == 200


async def test_text_fields_of_a_form(client: httpx.AsyncClient) -> None:
    for data, field in (({"position": "x"}, "position"), ({"position": "0"}, "position"), ({"alt": "a\0"}, "alt"),
                        ({"image_id": "+1"}, "image_id"), ({"position": "1.5"}, "position")):  # fmt: skip
        answer = await client.post(IMAGES, files=form(), data=data)
        assert (answer.status_code, list(answer.json())) == (422, [field]), data
    answer = await client.post(IMAGES, files=form(), data={"src": "http://a.test/"})
    assert answer.status_code == 422
