"""What a schema cannot say, told to schemathesis: ids that exist, pictures that are pictures, one picture at a time.

Only what was generated to be right is changed, so that "fits the description" can mean "is taken". What was generated
to be wrong stays so, and is then all that is wrong with its request. Stateful tests keep the ids of earlier answers.
"""

import base64
import io
import json
import os
import re
from itertools import cycle
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import parse_qsl, urlsplit

import httpx
import schemathesis
from PIL import Image
from schemathesis import HookContext
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from tests.processes import DEADLINE

Case: TypeAlias = schemathesis.Case[Any]

IMAGES = "/products/{product_id}/images"
PRODUCT = 1234
SYNCED = 4321  # whose images come and go with the lists that it is given
KEY = "a key that is there"
RECEIVER = "https://receiver.invalid/events"  # of webhooks
MORE_THAN_RUN = 12  # jobs of a store at one host
MOST_FILES, MOST_BYTES, MOST_SECONDS = 250, 10_485_759, 3600  # the settings' own
# Of which a request gives one; the first is for those that give none.
SOURCES = {
    "application/json": ("attachment", "src", "image_id"),
    "multipart/form-data": ("file", "attachment", "src", "image_id"),
}


class Ids(NamedTuple):
    store_id: int
    product_id: int
    id: int


def picture(kind: str) -> tuple[str, bytes]:
    """A file's name and bytes."""
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, kind)
    return f"photo.{kind}", buffer.getvalue()


class Shop:
    """A store of the service under attack, by its own API."""

    def __init__(self, url: str, store_id: int, token: str, src: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=DEADLINE)
        self._store_id = store_id
        self._ids: Ids | None = None
        self._job: str | None = None
        self.pictures = cycle(picture(kind) for kind in ("png", "jpeg", "gif"))
        self.src = src  # a picture on another host

    def ids(self, *, to_delete: bool = False) -> Ids:
        """Of an image on a product: the same one until it is given away to be deleted."""
        if self._ids is None:
            created = self._client.post(IMAGES.format(product_id=PRODUCT), files={"file": next(self.pictures)})
            self._ids = Ids(self._store_id, PRODUCT, created.raise_for_status().json()["id"])
        ids, self._ids = self._ids, None if to_delete else self._ids
        return ids

    def orphan(self) -> int:
        created = self._client.post("/v2/images.json", files={"file": next(self.pictures)})
        return int(created.raise_for_status().json()["id"])

    def ticket(self) -> tuple[str, dict[str, str]]:
        """A new one's id, and the query of its URL."""
        url = urlsplit(self._client.post("/uploads", json={}).raise_for_status().json()["url"])
        id = url.path.rpartition("/")[2]
        return id, dict(parse_qsl(url.query))

    def key(self) -> str:
        """Of a product."""
        self._client.post("/products", json={"key": KEY}).raise_for_status()
        return KEY

    def job(self) -> str:
        """One that was cancelled, which may be done again: it waited behind others to the same host."""
        while self._job is None:
            ids = [self._asynchronous_create() for _ in range(MORE_THAN_RUN)]
            if self._client.delete(f"/jobs/{ids[-1]}").is_success:
                self._job = ids[-1]
        return self._job

    def _asynchronous_create(self) -> str:
        url, headers = IMAGES.format(product_id=SYNCED), {"Prefer": "respond-async"}
        return str(self._client.post(url, json={"src": self.src}, headers=headers).raise_for_status().json()["id"])

    def no_webhooks(self) -> None:
        """There is room for one more."""
        for each in self._client.get("/webhooks").raise_for_status().json():
            self._client.delete(f"/webhooks/{each['id']}").raise_for_status()

    def webhook(self) -> str:
        self.no_webhooks()
        made = self._client.post("/webhooks", json={"url": RECEIVER, "events": ["image.created"]})
        return str(made.raise_for_status().json()["id"])

    def delivery(self, webhook: str) -> str:
        """One that nobody has taken."""
        return str(self._client.post(f"/webhooks/{webhook}/test").raise_for_status().json()["id"])

    def path(self) -> str:
        """Of a picture, below `/stores/`."""
        image = self._client.get(f"/images/{self.ids().id}").raise_for_status().json()
        return str(urlsplit(image["src"]).path.removeprefix("/stores/"))


shop = Shop(
    os.environ["ATTACKED_URL"],
    int(os.environ["ATTACKED_STORE"]),
    os.environ["ATTACKED_TOKEN"],
    os.environ["ATTACKED_SRC"],
)


with_ticket: dict[int, object] = {}  # what the copies of a case have in common


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    meta = case.meta
    if meta is None:
        return
    wrong = {place for place, info in meta.components.items() if info.mode.is_negative}
    if ParameterLocation.PATH not in wrong:
        if case.path == "/uploads/{id}":
            use_a_ticket(case, is_signed=ParameterLocation.QUERY not in wrong)
        elif meta.phase.name is not TestPhase.STATEFUL:
            name_what_exists(case)
    if ParameterLocation.HEADER not in wrong:
        guard_by_what_is(case)
    if ParameterLocation.QUERY not in wrong and case.query.get("on_duplicate") == "refuse":
        case.query["on_duplicate"] = "reuse"  # the pictures here are few, and the same again and again
    if ParameterLocation.QUERY not in wrong:
        case.query.pop("page_info", None)  # a cursor is taken out of a `Link`: one that is made up is refused
    if ParameterLocation.BODY not in wrong and isinstance(case.body, dict):
        fields = sensible(case, case.body)
        if case.media_type == "application/json":
            case.body = fields
        elif case.headers.get("Content-Type", case.media_type) == case.media_type:
            parts = [part(name, value) for name, value in fields.items()]
            kwargs["files"] = parts or [part("none", "")]  # a form of no parts would be no form


NUMBERS = {"id", "product_id", "image_id", "position", "files", "bytes", "bytes_per_file", "expires_in"}
OTHERS_IDS = ("image_id", "product_id")  # 0 in a create: not set


@schemathesis.hook
def filter_case(context: HookContext, case: Case) -> bool:
    """Without what is wrong by the description alone: existing clients send it, and it is taken for what it means
    (tests/api/test_lenient.py).
    """
    body, query = case.body, case.query
    if isinstance(query, dict) and any(value in ("", [], None) for value in query.values()):
        return False
    if isinstance(query, dict) and " " in str(query.get("ids", "")):  # about the commas
        return False
    if not isinstance(body, dict):
        return True
    places = [each.get("position") for each in (body, body.get("image")) if isinstance(each, dict)]
    if any(isinstance(place, int) and place > 2**63 - 1 for place in places):  # beyond `int64`: the end, as others are
        return False
    image: Any = body["image"] if isinstance(body.get("image"), dict) else body
    if case.method == "POST" and ("id" in image or any(image.get(name) in (0, "0") for name in OTHERS_IDS)):
        return False
    texts = [value for name, value in image.items() if name in NUMBERS and isinstance(value, str)]
    alt = image.get("alt")
    shown = [image.get("filename"), *(alt.values() if isinstance(alt, dict) else [alt])]
    return not (
        any(re.fullmatch(r"([0-9]+(\.0+)?)?", text) for text in texts)
        or alt == []
        or any(isinstance(text, int | float) for text in shown)
        or (isinstance(alt, dict) and None in alt.values())
    )


def name_what_exists(case: Case) -> None:
    if case.path.startswith("/jobs/"):
        case.path_parameters["id"] = shop.job()
        return
    if case.path.startswith("/webhooks/"):
        case.path_parameters["id"] = shop.webhook()
        if "delivery_id" in case.path_parameters:
            case.path_parameters["delivery_id"] = shop.delivery(case.path_parameters["id"])
        return
    if "path" in case.path_parameters:
        case.path_parameters["path"] = shop.path()
        return
    if "sku" in case.path_parameters:
        case.path_parameters["sku"] = shop.key()
    ids = shop.ids(to_delete=case.method == "DELETE")._asdict()
    if case.path.endswith("/gallery"):
        ids["product_id"] = SYNCED
    if str(case.query.get("assigned")).lower() == "false" and case.method == "DELETE":
        ids["id"] = shop.orphan()
    for name in ids.keys() & case.path_parameters:
        case.path_parameters[name] = ids[name]


def use_a_ticket(case: Case, *, is_signed: bool) -> None:
    """Once: a check may change the query of a copy of the case."""
    if id(case.meta) in with_ticket:
        return
    with_ticket[id(case.meta)] = case.meta
    case.path_parameters["id"], query = shop.ticket()
    if case.method == "POST" and is_signed:
        case.query.update(query)


def guard_by_what_is(case: Case) -> None:
    """`If-Match` fits whatever there is, and no `Idempotency-Key` was used before."""
    if "If-Match" in case.headers:
        case.headers["If-Match"] = "*"
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = (case.id + case.headers["Idempotency-Key"])[:255]


def sensible(case: Case, body: dict[str, Any]) -> dict[str, Any]:
    """The same fields, but such as go together."""
    match case.path:
        case "/uploads":
            return a_ticket(body)
        case "/uploads/{id}":
            return {**body, "file": next(shop.pictures)}
        case "/webhooks":
            shop.no_webhooks()
            return body | {"url": RECEIVER}
        case "/products" | "/products/{product_id}/gallery":
            return body
        case path if path.endswith("/products/{product_id}"):
            return body | ({"key": f"{body['key'][:100]} {case.id}"} if isinstance(body.get("key"), str) else {})
        case _ if isinstance(body.get("image"), dict):
            return body | {"image": an_image(case, body["image"])}
        case _:
            return an_image(case, body)


def a_ticket(body: dict[str, Any]) -> dict[str, Any]:
    """Within what the settings allow, and on a product if it has a place there."""
    most = {"files": MOST_FILES, "bytes_per_file": MOST_BYTES, "expires_in": MOST_SECONDS}
    most["bytes"] = 2**63 - 1  # a validator that compares floats takes a little more for no more
    fields = {name: min(value, most[name]) if value and name in most else value for name, value in body.items()}
    if fields.get("position") is not None:
        fields["product_id"] = PRODUCT
    return fields


def an_image(case: Case, body: dict[str, Any]) -> dict[str, Any]:
    """One source, which is there, and ids that repeat those of the path."""
    updates = case.method == "PUT"
    sources = SOURCES[case.media_type or "application/json"]
    given = [name for name in sources if body.get(name) and not (updates and name == "image_id")]
    if not given and not updates:
        given = [sources[0]]
    fields = {name: value for name, value in body.items() if name not in sources}
    for name in given[:1]:
        fields[name] = source(name)
    for name in {"id", "product_id"} & {name for name, value in fields.items() if value is not None}:
        fields[name] = case.path_parameters.get(name, fields[name])
    return fields


def source(name: str) -> Any:
    match name:
        case "file":
            return next(shop.pictures)
        case "attachment":
            return base64.b64encode(next(shop.pictures)[1]).decode()
        case "src":
            return shop.src
        case _:
            return shop.orphan()


def part(name: str, value: Any) -> tuple[str, tuple[str | None, bytes | str]]:
    """Of a form, for `requests`."""
    if name == "file":
        return name, value
    return name, (None, value if isinstance(value, str) else json.dumps(value))
