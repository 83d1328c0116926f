"""Base64 in JSON, as clients write it: the attachment is found in the body's bytes, whatever stands around it."""

import base64
import hashlib
import json

import httpx
import pytest

from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"
PICTURE = png("blue", (200, 200))
BASE64 = base64.b64encode(PICTURE).decode()
OTHER = base64.b64encode(png("green")).decode()


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
    "its alphabet for URLs": json.dumps({"attachment": "_-8" + BASE64[3:]}),
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
    "body", ['{"attachment":"QUJD', '{"attachment":"QUJD"', '{"attachment":"QUJD",}', '["attachment":"QUJD"]']
)
async def test_a_body_that_is_no_json(client: httpx.AsyncClient, body: str) -> None:
    answer = await client.post(IMAGES, content=body.encode(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
