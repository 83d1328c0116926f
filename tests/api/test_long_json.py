"""What a JSON body may be without its attachment: bounded before it is parsed, so that no body is dear to read."""

import base64
import json
import resource

import httpx
import pytest

from image_service.web.bodies.json_body import BOUNDS
from tests.shop import PRODUCT, png

IMAGES = f"/products/{PRODUCT}/images"
JSON = {"Content-Type": "application/json"}
BASE64 = base64.b64encode(png("blue", (300, 300))).decode()
HEAVY = 14_000_000  # bytes, within MAX_JSON_BYTES
LIST = '{"alt":[%s0]}'


def of(item: str, around: str) -> bytes:
    """A body of `item` again and again."""
    return (around % (item * (HEAVY // len(item)))).encode()


FLOODS = {  # what comes again and again, and around it
    "numbers that become long integers": ("1e308,", LIST),
    "lists": ("[],", LIST),
    "objects": ("{},", LIST),
    "strings": ('"",', LIST),
    "keys": ('"a":1,', '{%s"b":0}'),
    "one long text": ("x", '{"alt":"%s"}'),
    "one long key": ("x", '{"%s":0}'),
    "blanks": (" ", '{"alt":%s0}'),
    "depth": ("[", LIST),
    "beside an attachment": ("1,", '{"attachment":"' + BASE64 + '","alt":[%s0]}'),
    "before an attachment": ("1,", '{"alt":[%s0],"attachment":"' + BASE64 + '"}'),
    "attachments within others": ('{"attachment":"QUJD"},', LIST),
    "attachments, each the last": ('"attachment":"QUJD",', '{%s"b":0}'),
    "quotes that are escaped": ('\\"', '{"alt":"%s"}'),
}


@pytest.mark.parametrize(("item", "around"), FLOODS.values(), ids=FLOODS.keys())
@pytest.mark.parametrize(("method", "url"), [("POST", IMAGES), ("PUT", f"{IMAGES}/1"), ("POST", "/uploads")])
async def test_a_body_that_is_dear_to_parse_is_not_parsed(
    client: httpx.AsyncClient, method: str, url: str, item: str, around: str
) -> None:
    """Parsed, each would take 100 MB to 1 GB, and some of them seconds."""
    body = of(item, around)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await client.request(method, url, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, 413)
    # The body itself, on its way and as it is looked at: kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 8 * HEAVY // 1024


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"alt": {f"l{number}": "x" for number in range(50)}, "x": "y" * 40_000}, 422),  # nothing given, but read
        ({"x": [0] * (BOUNDS.values - 10)}, 422),
        ({"x": [0] * BOUNDS.values}, 413),
        ({"x": ["0"] * (BOUNDS.values - 10)}, 422),
        ({"x": ["0"] * BOUNDS.values}, 413),
        ({f"{number}": "0" for number in range(BOUNDS.values // 2 - 10)}, 422),
        ({f"{number}": "0" for number in range(BOUNDS.values // 2 + 10)}, 413),
        ({"x": "[{,:" * 10_000}, 422),  # in a text they are no values
        ({"x": '"[,' * 8000}, 422),
        ({"x": "y" * BOUNDS.bytes}, 413),
    ],
)
async def test_what_is_too_much(client: httpx.AsyncClient, body: dict[str, object], status: int) -> None:
    for extra in ({}, {"attachment": BASE64}):
        answer = await client.post(IMAGES, content=json.dumps(extra | body), headers=JSON)
        assert answer.status_code == (status if status == 413 or not extra else 201), answer.text


async def test_depth(client: httpx.AsyncClient) -> None:
    for depth, status in ((BOUNDS.depth - 1, 422), (BOUNDS.depth, 400)):
        answer = await client.post(IMAGES, content=f'{{"x":{"[" * depth}{"]" * depth}}}', headers=JSON)
        assert answer.status_code == status


async def test_an_attachment_may_be_as_large_as_ever(client: httpx.AsyncClient) -> None:
    """However it is written: an escape in every other character, blanks between all of them."""
    for text in ("\\/".join(["AAAA"] * 1_000_000), "\\u0041" * 2_000_000, " " * 13_000_000):
        answer = await client.post(IMAGES, content=f'{{"attachment":"{text}"}}', headers=JSON)
        assert (answer.status_code, list(answer.json())) == (422, ["attachment"])
