"""What tests of galleries do again and again, over HTTP."""

from typing import Any

import httpx

from tests.shop import PRODUCT

GALLERY = f"/products/{PRODUCT}/gallery"
ALL = "id,src,position,alt,sha256,source_url,filename,updated_at"


async def put(
    client: httpx.AsyncClient, images: list[dict[str, Any]], query: str = "", **options: Any
) -> httpx.Response:
    return await client.put(f"{GALLERY}?fields={ALL}{query}", json={"images": images, **options})


async def synced(
    client: httpx.AsyncClient, images: list[dict[str, Any]], query: str = "", **options: Any
) -> dict[str, Any]:
    found = await put(client, images, query, **options)
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    positions = [image["position"] for image in body["images"]]
    assert positions == list(range(1, len(positions) + 1))
    return body


async def shown(client: httpx.AsyncClient) -> dict[str, Any]:
    body: dict[str, Any] = (await client.get(f"{GALLERY}?fields={ALL}")).json()
    return body


def outcomes(body: dict[str, Any]) -> list[str]:
    return [receipt["outcome"] for receipt in body["receipts"]]


def ids(body: dict[str, Any]) -> list[int]:
    return [image["id"] for image in body["images"]]


def failures(body: dict[str, Any]) -> list[tuple[int, str, int | None]]:
    """Index, reason, status of the entries that failed."""
    return [(each["index"], each["reason"], each["status"]) for each in body["receipts"] if each["outcome"] == "failed"]
