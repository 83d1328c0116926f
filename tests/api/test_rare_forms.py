"""Forms as mailers, old libraries and curl's options write them: each is taken, or refused in words."""

import base64
import binascii
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import PHOTOS
from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
JPEG = (PHOTOS / "rocket.jpg").read_bytes()


def file_part(data: bytes, head: bytes = b"") -> bytes:
    start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n' + head + b"\r\n"
    return start + data + b"\r\n"


def encoded(name: bytes, data: bytes) -> bytes:
    return file_part(data, b"Content-Transfer-Encoding: " + name + b"\r\n")


async def sent(client: httpx.AsyncClient, body: bytes, *, chunk: int | None = None) -> httpx.Response:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(body), chunk or len(body)):
            yield body[at : at + (chunk or len(body))]

    return await client.post(f"{IMAGES}?fields=id,bytes,alt", content=chunks(), headers=FORM)


async def original(client: httpx.AsyncClient, answer: httpx.Response) -> bytes:
    assert answer.status_code == 201, answer.text
    return (await client.get(f"/images/{answer.json()['id']}/original")).content


@pytest.mark.parametrize("chunk", [None, 1, 1000])
@pytest.mark.parametrize("data", [png(), JPEG], ids=["png", "jpg"])
async def test_base64_is_decoded(client: httpx.AsyncClient, data: bytes, chunk: int | None) -> None:
    if chunk == 1 and len(data) > 10_000:
        data = png()
    for name, text in {
        b"base64": base64.encodebytes(data).replace(b"\n", b"\r\n"),
        b"BASE64 ": base64.b64encode(data),
        b" Base64": base64.b64encode(data).rstrip(b"="),
    }.items():
        assert await original(client, await sent(client, encoded(name, text) + b"--x--\r\n", chunk=chunk)) == data


@pytest.mark.parametrize("chunk", [None, 7])
async def test_quoted_printable_is_decoded(client: httpx.AsyncClient, chunk: int | None) -> None:
    text = binascii.b2a_qp(png(), istext=False)
    lines = text.replace(b"\n", b"\r\n")
    body = encoded(b"quoted-printable", lines) + b"--x--\r\n"
    assert await original(client, await sent(client, body, chunk=chunk)) == png()


@pytest.mark.parametrize("name", [b"7bit", b"8bit", b"binary", b"Binary"])
async def test_bytes_as_they_are(client: httpx.AsyncClient, name: bytes) -> None:
    assert await original(client, await sent(client, encoded(name, png()) + b"--x--\r\n")) == png()


async def test_texts_are_decoded_too(client: httpx.AsyncClient) -> None:
    for name, text in {b"base64": base64.b64encode("Niño".encode()), b"quoted-printable": b"Ni=C3=B1o"}.items():
        head = b'--x\r\nContent-Disposition: form-data; name="alt"\r\nContent-Transfer-Encoding: ' + name
        body = head + b"\r\n\r\n" + text + b"\r\n" + file_part(png()) + b"--x--\r\n"
        assert (await sent(client, body)).json()["alt"] == "Niño"


def text_part(name: bytes, value: bytes, kind: bytes = b"") -> bytes:
    head = b"Content-Type: " + kind + b"\r\n" if kind else b""
    return b'--x\r\nContent-Disposition: form-data; name="' + name + b'"\r\n' + head + b"\r\n" + value + b"\r\n"


@pytest.mark.parametrize(
    ("kind", "charset"),
    [
        (b"text/plain; charset=ISO-8859-1", "latin-1"),
        (b'text/plain; charset="windows-1252"', "cp1252"),
        (b"text/plain;charset=UTF-16LE", "utf-16-le"),
        (b"text/plain; charset=utf-8", "utf-8"),
        (b"", "utf-8"),
    ],
)
async def test_a_text_is_read_in_the_charset_that_its_part_declares(
    client: httpx.AsyncClient, kind: bytes, charset: str
) -> None:
    body = text_part(b"alt", "Cafetería".encode(charset), kind) + file_part(png()) + b"--x--\r\n"
    answer = await sent(client, body)
    assert (answer.status_code, answer.json()["alt"]) == (201, "Cafetería")


async def test_a_form_may_declare_the_charset_of_all_its_texts(client: httpx.AsyncClient) -> None:
    parts = [text_part(b"_charset_", b"iso-8859-1"), text_part(b"alt", b"Cafeter\xeda"), file_part(png())]
    for order in (parts, parts[::-1]):
        assert (await sent(client, b"".join(order) + b"--x--\r\n")).json()["alt"] == "Cafetería"


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (b"", "is not UTF-8"),
        (b"text/plain; charset=utf-8", "cannot be read in the charset that the form declares"),
        (b"text/plain; charset=klingon", "cannot be read in the charset that the form declares"),
        (b"text/plain; charset=hex", "cannot be read in the charset that the form declares"),
        (b"text/plain; charset=punycode", "cannot be read in the charset that the form declares"),
    ],
)
async def test_a_text_that_cannot_be_read_is_named_where_it_matters(
    client: httpx.AsyncClient, kind: bytes, said: str
) -> None:
    answer = await sent(client, text_part(b"alt", b"Cafeter\xeda", kind) + file_part(png()) + b"--x--\r\n")
    assert (answer.status_code, answer.json()) == (422, {"alt": [said]})
    answer = await sent(client, text_part(b"alt[es]", b"Cafeter\xeda", kind) + file_part(png()) + b"--x--\r\n")
    assert (answer.status_code, answer.json()) == (422, {"alt": [said]})
    other = text_part(b"title", b"Cafeter\xeda", kind) + file_part(png()) + b"--x--\r\n"
    assert (await sent(client, other)).status_code == 201
    assert (await client.post("/v2/images.json", content=other, headers=FORM)).json()["status"] == "OK"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (b"base64", b"!!!!", "is in a form with a part that is not base64, as it says"),
        (b"base64", base64.b64encode(b"a") + base64.b64encode(png()), "not base64"),
        (b"base64", b"a", "not base64"),
        (b"quoted-printable", b"a" * 100_000, "not quoted-printable"),
        (b"x-uuencode", b"a", "a Content-Transfer-Encoding other than base64 or quoted-printable"),
    ],
)
async def test_what_is_not_as_it_says_is_refused(
    client: httpx.AsyncClient, name: bytes, text: bytes, said: str
) -> None:
    answer = await sent(client, encoded(name, text) + b"--x--\r\n")
    assert answer.status_code == 422
    assert said in answer.json()["file"][0]


@pytest.mark.parametrize("chunk", [None, 1])
@pytest.mark.parametrize(
    "preamble",
    [b"This is a multi-part message in MIME format.\r\n", b"\r\n", b"--xy\r\n--\r\n", b"a\n", b"x" * 8_000 + b"\r\n"],
)
async def test_text_ahead_of_the_first_boundary_is_passed_over(
    client: httpx.AsyncClient, preamble: bytes, chunk: int | None
) -> None:
    if chunk and len(preamble) > 100:
        preamble = preamble[-100:]
    assert await original(client, await sent(client, preamble + file_part(png()) + b"--x--\r\n", chunk=chunk)) == png()


async def test_a_preamble_has_an_end(client: httpx.AsyncClient) -> None:
    answer = await sent(client, os.urandom(20_000) + b"\r\n" + file_part(png()) + b"--x--\r\n")
    assert (answer.status_code, answer.json()) == (422, {"file": ["is in a malformed form"]})


@pytest.mark.parametrize("preamble", [b"", b"A mail.\n"])
async def test_lines_that_end_in_lf_alone_are_refused_in_words(client: httpx.AsyncClient, preamble: bytes) -> None:
    answer = await sent(client, preamble + (file_part(png()) + b"--x--\r\n").replace(b"\r\n", b"\n"))
    said = "is in a form whose lines end in LF alone: they must end in CRLF"
    assert (answer.status_code, answer.json()) == (422, {"file": [said]})


async def test_text_behind_the_last_boundary_is_passed_over(client: httpx.AsyncClient) -> None:
    assert (await sent(client, file_part(png()) + b"--x--\r\nThe end.\r\n")).status_code == 201
