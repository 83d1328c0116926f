"""Every example of the two documents, in an order in which each can be asked for: what is sent, what is printed."""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.conftest import PHOTOS
from tests.shop import form

MEWTWO = base64.encodebytes((PHOTOS / "animated.gif").read_bytes()).decode()  # broken into lines, as in the document
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"

Known = dict[str, Any]  # what earlier answers said: ids by name, `own` image's src


@dataclass(frozen=True)
class Example:
    """`printed`: an answer's body, in which a type stands for any value of it, and a text for what matches it whole."""

    method: str
    path: str  # with {names} of what is known
    status: int
    printed: Any
    send: Callable[[Known], dict[str, Any]] = lambda known: {}
    keeps: str | None = None  # the answer's id is known by this name from then on
    stranger: bool = False  # asked by another store


def image(name: str, position: int) -> dict[str, Any]:
    stem, _, end = name.partition(".")
    return {
        "id": int,
        "src": rf"http://images\.test/stores/\d{{3}}(/\d{{3}})+/products/{stem}-[0-9a-f]{{32}}-640-0\.{end}",
        "position": position,
        "product_id": 1234,
        "created_at": TIME,
        "updated_at": TIME,
    }


def upload(name: str) -> Callable[[Known], dict[str, Any]]:
    return lambda known: {"files": form(name=name)}


def attachment(known: Known) -> dict[str, Any]:
    """With raw line breaks inside a JSON string."""
    body = f'{{"filename": "mewtwo.gif", "position": 5, "attachment": "{MEWTWO}"}}'
    return {"content": body, "headers": {"Content-Type": "application/json"}}


def envelope(status: str, name: str, message: Any, value: Any = int) -> dict[str, Any]:
    return {"status": status, name: value, "message": message}


FOUND = [image("servine.png", 1), image("onyx.png", 2), image("stoutland.png", 3)]
PRODUCT = "/products/1234/images"

EXAMPLES = [
    # Bukalapak: create, status, delete
    Example("POST", "/v2/images.json", 200, envelope("OK", "id", None, r"\d+"), upload("product-image.png"), "orphan"),
    Example(
        "POST",
        "/v2/images.json",
        422,
        envelope("ERROR", "user_id", "Harus berupa file gambar", "null"),
        lambda known: {"files": form(b"none")},
    ),
    Example("GET", "/v2/images/status/{orphan}.json", 200, envelope("OK", "id", "Orphaned")),
    Example(
        "DELETE",
        "/v2/images/{orphan}.json",
        403,
        envelope("ERROR", "user_id", "Can't delete another user's image"),
        stranger=True,
    ),
    Example(
        "POST", "/products/9/images", 201, dict, lambda known: {"json": {"image_id": int(known["orphan"])}}, "assigned"
    ),
    Example("GET", "/v2/images/status/{assigned}.json", 200, envelope("ERROR", "user_id", "Assigned")),
    Example("DELETE", "/v2/images/{assigned}.json", 200, envelope("OK", "id", "Image deleted")),
    Example("DELETE", "/v2/images/{assigned}.json", 404, envelope("ERROR", "user_id", "Failed to delete image")),
    # Tiendanube: the three that its document begins with, then its own
    Example("POST", PRODUCT, 201, FOUND[0], upload("servine.png"), "servine"),
    Example("POST", PRODUCT, 201, FOUND[1], upload("onyx.png"), "onyx"),
    Example("POST", PRODUCT, 201, FOUND[2], upload("stoutland.png"), "stoutland"),
    Example("GET", PRODUCT, 200, FOUND),
    Example("GET", "/product/1234/images?since_id={servine}", 200, FOUND[1:]),
    Example("GET", PRODUCT + "/{onyx}", 200, FOUND[1]),
    Example("POST", PRODUCT, 422, {"src": ["can't be blank"]}, lambda known: {"json": {"invalid_name": "foobar"}}),
    Example("POST", PRODUCT, 201, image("charmander.png", 4), lambda known: {"json": {"src": known["charmander"]}}),
    Example("POST", PRODUCT, 201, image("mewtwo.gif", 5), attachment, "own"),
    Example(
        "PUT",
        PRODUCT + "/{own}",
        200,
        image("mewtwo.gif", 1),
        lambda known: {"json": {"id": known["own"], "src": known["src"], "position": 1, "product_id": 1234}},
    ),
    Example("DELETE", PRODUCT + "/{own}", 200, {}),
]


async def replay(store: httpx.AsyncClient, stranger: httpx.AsyncClient, charmander: str) -> None:
    """`charmander`: the URL of a PNG on someone else's host, whose name it has."""
    known: Known = {"charmander": charmander}
    for example in EXAMPLES:
        client = stranger if example.stranger else store
        answer = await client.request(example.method, example.path.format(**known), **example.send(known))
        told = f"{example.method} {example.path}: {answer.status_code} {answer.text}"
        assert answer.status_code == example.status, told
        assert alike(answer.json(), example.printed), told
        if example.keeps:
            known |= {example.keeps: answer.json()["id"], "src": answer.json().get("src")}


def alike(found: Any, printed: Any) -> bool:
    """The same keys in the same order, the same types; values as printed."""
    if isinstance(printed, type):
        return type(found) is printed
    if isinstance(printed, dict):
        return list(found) == list(printed) and all(alike(found[key], printed[key]) for key in printed)
    if isinstance(printed, list):
        return len(found) == len(printed) and all(map(alike, found, printed))
    if isinstance(printed, str):
        return isinstance(found, str) and re.fullmatch(printed, found) is not None
    return bool(found == printed)
