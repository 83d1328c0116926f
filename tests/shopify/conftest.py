"""A merchant's script that speaks Shopify's API."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from image_service.stores.registry import NewStore
from tests.conftest import API, Service
from tests.shop import png

PRODUCT = 632910392
PREFIX = "/admin/api/2026-01"
IMAGES = f"/products/{PRODUCT}/images.json"


def attachment(color: str = "red", **fields: Any) -> dict[str, Any]:
    """A body that makes an image."""
    return {"image": {"attachment": base64.b64encode(png(color)).decode(), **fields}}


def one(image: dict[str, Any]) -> str:
    return f"/products/{image['product_id']}/images/{image['id']}.json"


class Shop:
    def __init__(self, client: httpx.AsyncClient, service: Service, store: NewStore) -> None:
        self.client, self.service, self.store = client, service, store

    async def add(self, color: str = "red", product: int = PRODUCT, **fields: Any) -> dict[str, Any]:
        answer = await self.client.post(f"/products/{product}/images.json", json=attachment(color, **fields))
        assert answer.status_code == 200, answer.text
        image: dict[str, Any] = answer.json()["image"]
        return image

    async def listed(self, path: str = IMAGES, **query: Any) -> list[dict[str, Any]]:
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        images: list[dict[str, Any]] = answer.json()["images"]
        return images

    async def put(self, image: dict[str, Any], **fields: Any) -> dict[str, Any]:
        answer = await self.client.put(one(image), json={"image": {"id": image["id"], **fields}})
        assert answer.status_code == 200, answer.text
        changed: dict[str, Any] = answer.json()["image"]
        return changed


@pytest.fixture
async def shop(service: Service, store: NewStore) -> AsyncIterator[Shop]:
    headers = {"X-Shopify-Access-Token": store.token, "Content-Type": "application/json"}
    async with service.client(headers=headers) as client:
        client.base_url = httpx.URL(API + PREFIX)
        yield Shop(client, service, store)
