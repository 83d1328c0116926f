"""Base64 as a field of a form, in each dialect that takes it in JSON: the same pictures, and the same refusals."""

import base64
import hashlib
import resource
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import API, PHOTOS, Service
from tests.shop import PRODUCT, added, png

PHOTO = (PHOTOS / "rocket.jpg").read_bytes()  # more than a field of text may have
HEAVY = 10 * 1024 * 1024
IMAGES = f"/products/{PRODUCT}/images"


def texts(**fields: str) -> dict[str, Any]:
    """For httpx's `files`: a form without a file."""
    return {name: (None, value) for name, value in fields.items()}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture
async def shopify(service: Service, store: NewStore) -> AsyncIterator[httpx.AsyncClient]:
    async with service.client(headers={"X-Shopify-Access-Token": store.token}) as client:
        client.base_url = httpx.URL(f"{API}/admin/api/2026-01")
        yield client


async def sha256(client: httpx.AsyncClient, id_: int) -> str:
    return str((await client.get(f"/images/{id_}?fields=sha256")).json()["sha256"])


@pytest.mark.parametrize("data", [png("blue"), PHOTO], ids=["small", "large"])
async def test_a_new_image(client: httpx.AsyncClient, shopify: httpx.AsyncClient, data: bytes) -> None:
    wanted = hashlib.sha256(data).hexdigest()
    for text in (base64_of(data), base64.encodebytes(data).decode(), f"data:image/png;base64,{base64_of(data)}"):
        made = await client.post(f"{IMAGES}?fields=id,filename", files=texts(attachment=text, filename="new.gif"))
        assert (made.status_code, made.json()["filename"]) == (201, "new.gif"), made.text
        assert await sha256(client, made.json()["id"]) == wanted
    made = await client.post(IMAGES, files=texts(src=f"data:image/png;base64,{base64_of(data)}"))
    assert await sha256(client, made.json()["id"]) == wanted
    answer = await shopify.post(f"{IMAGES}.json", files=texts(attachment=base64_of(data), alt="A shoe"))
    assert (answer.status_code, answer.json()["image"]["alt"]) == (200, "A shoe"), answer.text
    assert await sha256(client, answer.json()["image"]["id"]) == wanted


@pytest.mark.parametrize("data", [png("blue"), PHOTO], ids=["small", "large"])
async def test_a_replacement(client: httpx.AsyncClient, shopify: httpx.AsyncClient, data: bytes) -> None:
    id_ = (await added(client))["id"]
    changed = await client.put(f"{IMAGES}/{id_}?fields=filename", files=texts(attachment=base64_of(data), filename="n"))
    assert (changed.status_code, changed.json()) == (200, {"filename": "n"})
    assert await sha256(client, id_) == hashlib.sha256(data).hexdigest()
    id_ = (await added(client))["id"]
    answer = await shopify.put(f"{IMAGES}/{id_}.json", files=texts(attachment=base64_of(data), alt="A shoe"))
    assert (answer.status_code, answer.json()["image"]["alt"]) == (200, "A shoe"), answer.text
    assert await sha256(client, id_) == hashlib.sha256(data).hexdigest()


async def test_of_two_fields_the_last_counts(client: httpx.AsyncClient) -> None:
    small, large = base64_of(png("blue")), base64_of(PHOTO)
    for first, last, wanted in ((small, large, PHOTO), (large, small, png("blue"))):
        parts = [("attachment", (None, first)), ("attachment", (None, last))]
        made = await client.post(IMAGES, files=parts)
        assert await sha256(client, made.json()["id"]) == hashlib.sha256(wanted).hexdigest()


async def test_what_is_refused(client: httpx.AsyncClient, shopify: httpx.AsyncClient) -> None:
    large = base64_of(PHOTO)
    for fields, refusal in (
        (texts(attachment="***"), {"attachment": ["is not base64"]}),
        (texts(attachment="*" * 100_000), {"attachment": ["is not base64"]}),
        (texts(attachment="aGVsbG8="), {"attachment": ["must be a gif, jpg or png image"]}),
        (texts(attachment=large, src="https://a.test/x.png"), {"attachment": ["can't be given together with src"]}),
        (
            texts(attachment=large, src=f"data:image/jpeg;base64,{large}"),
            {"attachment": ["can't be given together with src"]},
        ),
        (texts(attachment=large, image_id="1"), {"attachment": ["can't be given together with image_id"]}),
        (
            {**texts(attachment=large), "file": ("a.png", png())},
            {"file": ["can't be given together with attachment"]},
        ),
        (texts(attachment=large, position="0"), {"position": ["must be greater than or equal to 1"]}),
    ):
        answer = await client.post(IMAGES, files=fields)
        assert (answer.status_code, answer.json()) == (422, refusal)
    answer = await client.post(IMAGES, files=texts(src="http://a.test/" + "x" * 100_000))
    assert answer.status_code == 400
    answer = await shopify.post(f"{IMAGES}.json", files=texts(attachment="***"))
    assert (answer.status_code, answer.json()) == (422, {"errors": {"image": ["The attachment is not base64"]}})
    assert (await client.get(IMAGES)).json() == []


async def test_the_weight_is_that_of_the_picture(client: httpx.AsyncClient) -> None:
    """Up to the limit in base64, which is more than a file may have; and memory is bounded, as for JSON."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await client.post(IMAGES, files=texts(attachment=base64_of(PHOTO + bytes(HEAVY - 1 - len(PHOTO)))))
    assert (answer.status_code, (await client.get(IMAGES)).json()) == (201, [answer.json()])
    answer = await client.post(IMAGES, files=texts(attachment=base64_of(PHOTO + bytes(HEAVY - len(PHOTO)))))
    assert (answer.status_code, answer.json()) == (413, {"attachment": ["must weigh less than 10MB"]})
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 12 * HEAVY // 1024


async def test_a_dialect_of_files_alone_takes_none(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v2/images.json", files=texts(attachment=base64_of(png())))
    assert (answer.status_code, answer.json()["message"]) == (422, "Harus berupa file gambar")


async def test_a_repeat_makes_one_image(client: httpx.AsyncClient) -> None:
    key = {"Idempotency-Key": "a form with base64"}
    for fields in (texts(attachment=base64_of(PHOTO)),) * 2:
        assert (await client.post(IMAGES, files=fields, headers=key)).status_code == 201
    assert len((await client.get(IMAGES)).json()) == 1
    answer = await client.post(IMAGES, files=texts(attachment=base64_of(png())), headers=key)
    assert (answer.status_code, list(answer.json())) == (422, ["Idempotency-Key"])
