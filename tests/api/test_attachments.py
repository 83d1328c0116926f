"""Base64 in JSON, as clients write it: the attachment is found in the body's bytes, whatever stands around it."""

import base64
import hashlib
import io
import json
import random
from urllib.parse import quote

import httpx
import pytest
from PIL import Image

from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"
_noise = io.BytesIO()
Image.frombytes("RGB", (30, 30), random.Random(1).randbytes(2700)).save(_noise, "PNG")
PICTURE = _noise.getvalue()
BASE64 = base64.b64encode(PICTURE).decode()
URL_SAFE = base64.urlsafe_b64encode(PICTURE).decode()
OTHER = base64.b64encode(png("green")).decode()

assert {"+", "/"} <= set(BASE64)  # so that the alphabets differ


def lines(text: str, end: str) -> str:
    return end.join(text[at : at + 76] for at in range(0, len(text), 76))


TAKEN = {
    "alone": f'{{"attachment":"{BASE64}"}}',
    "last": f'{{"filename":"a.png","alt":"a \\"b\\"","attachment" : "{BASE64}"}}',
    "first, and all else behind it": f'{{"attachment": "{BASE64}", "filename": "a.png", "position": 1}}',
    "slashes escaped": json.dumps({"attachment": BASE64}).replace("/", "\\/"),
    "line breaks escaped": json.dumps({"attachment": lines(BASE64, "\r\n")}),
    "raw line breaks": f'{{"attachment":"{lines(BASE64, chr(10))}"}}',
    "characters escaped": f'{{"attachment":"\\u00{ord(BASE64[0]):x}{BASE64[1:]}"}}',
    "a data URL": f'{{"attachment":"data:image/png;base64,{BASE64}"}}',
    "without padding": f'{{"attachment":"{BASE64.rstrip("=")}"}}',
    "in the alphabet for URLs": f'{{"attachment":"{URL_SAFE}"}}',
    "in it, in lines, without padding": json.dumps({"attachment": lines(URL_SAFE.rstrip("="), "\n")}),
    "in both": f'{{"attachment":"{BASE64[:400]}{URL_SAFE[400:]}"}}',
    "a data URL that is percent-encoded": f'{{"attachment":"data:image/png;base64,{quote(BASE64, safe="")}"}}',
    "a data URL in capitals, with parameters": f'{{"attachment":"DATA:image/png;name=a.png;BASE64,{BASE64}"}}',
    "a data URL with kilobytes of parameters": f'{{"attachment":"data:image/png;name={"a" * 4000};base64,{BASE64}"}}',
    "the same as src": f'{{"src":"data:image/png;name={"a" * 4000};base64,{BASE64}"}}',
    "a large one with parameters as src": f'{{"src":"data:;name={"a" * 4000};base64,{lines(BASE64, " " * 80_000)}"}}',
    "a data URL that does not say so": f'{{"attachment":"data:image/png,{BASE64}"}}',
    "a data URL without base64": json.dumps({"attachment": "data:image/png," + quote(PICTURE)}),
    "a data URL as src": f'{{"src":"data:image/png;base64,{BASE64}"}}',
    "a data URL as src, without base64": json.dumps({"src": " data:image/png," + quote(PICTURE)}),
    "a large data URL as src": f'{{"src":"data:;base64,{lines(BASE64, " " * 80_000)}"}}',
    "twice, of which the last counts": f'{{"attachment":"{OTHER}","attachment":"{BASE64}"}}',
    "named in another's text": f'{{"alt":"\\"attachment\\":\\"{OTHER}\\"","attachment":"{BASE64}"}}',
    "within another, which is not it": f'{{"alt":{{"attachment":"{OTHER}"}},"attachment":"{BASE64}"}}',
    "behind a byte order mark": f'\ufeff{{"attachment":"{BASE64}"}}',
    "large": f'{{"attachment":"{lines(BASE64, " " * 80_000)}"}}',
}


@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN.keys())
async def test_an_attachment_is_taken(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(
        f"{IMAGES}?fields=all", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == hashlib.sha256(PICTURE).hexdigest()


REFUSED = {
    "not base64": '{"attachment":"***"}',
    "a URL": '{"attachment":"https://a.example/x.png"}',
    "a data URL of something else": '{"attachment":"data:image/png;base64,***"}',
    "other letters": json.dumps({"attachment": BASE64 + "é"}, ensure_ascii=False),
    "cut in its middle": json.dumps({"attachment": BASE64[: len(BASE64) // 2]}),
    "padding in its middle": json.dumps({"attachment": BASE64[:100] + "==" + BASE64[100:]}),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
async def test_what_is_no_picture_in_base64(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(IMAGES, content=body.encode(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (422, ["attachment"])
    assert (await client.get(IMAGES)).json() == []


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"attachment": "***"}, {"attachment": ["is not base64"]}),
        ({"attachment": "https://a.example/x.png"}, {"attachment": ["is not base64"]}),
        ({"attachment": "a"}, {"attachment": ["is not base64"]}),
        ({"attachment": "data:image/png;base64,***"}, {"attachment": ["is not base64"]}),
        ({"src": "data:image/png;base64,***"}, {"src": ["is not base64"]}),
        ({"attachment": "aGVsbG8="}, {"attachment": ["must be a gif, jpg or png image"]}),
        ({"src": "data:image/png;base64,aGVsbG8="}, {"src": ["must be a gif, jpg or png image"]}),
        ({"src": "data:,hello"}, {"src": ["must be a gif, jpg or png image"]}),
        (
            {"src": f"data:;base64,{BASE64}", "attachment": BASE64},
            {"attachment": ["can't be given together with src"]},
        ),
        ({"src": f"data:;base64,{BASE64}", "image_id": 1}, {"src": ["can't be given together with image_id"]}),
    ],
)
async def test_text_that_is_no_base64_is_told_from_bytes_that_are_no_picture(
    client: httpx.AsyncClient, body: dict[str, object], refusal: dict[str, list[str]]
) -> None:
    answer = await client.post(IMAGES, json=body)
    assert (answer.status_code, answer.json()) == (422, refusal)


async def test_a_data_url_in_a_form_and_in_an_update(client: httpx.AsyncClient) -> None:
    src = f"data:image/png;base64,{BASE64}"
    as_form = await client.post(f"{IMAGES}?fields=id,sha256,source_url", files={"src": (None, src)})
    assert as_form.status_code == 201, as_form.text
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    assert as_form.json() == {"id": as_form.json()["id"], "sha256": sha256, "source_url": None}
    other = f"data:image/png;base64,{OTHER}"
    changed = await client.put(f"{IMAGES}/{as_form.json()['id']}?fields=sha256", json={"src": other})
    assert changed.json() == {"sha256": hashlib.sha256(base64.b64decode(OTHER)).hexdigest()}


@pytest.mark.parametrize(
    "body", ['{"attachment":"QUJD', '{"attachment":"QUJD"', '{"attachment":"QUJD",}', '["attachment":"QUJD"]']
)
async def test_a_body_that_is_no_json(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(IMAGES, content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
