"""What tests do again and again, over HTTP."""

import io
from typing import Any

import httpx
from PIL import Image

from tests.conftest import DELIVERY

PRODUCT = 1234


def png(color: str = "red", size: tuple[int, int] = (8, 6)) -> bytes:
    """A small picture; another colour is another picture."""
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def form(data: bytes | None = None, name: str = "photo.png") -> dict[str, Any]:
    """For httpx's `files`."""
    return {"file": (name, png() if data is None else data)}


async def added(client: httpx.AsyncClient, product: int = PRODUCT, **fields: Any) -> dict[str, Any]:
    """An image on a product."""
    answer = await client.post(f"/products/{product}/images", files=form(), data=fields)
    assert answer.status_code == 201, answer.text
    image: dict[str, Any] = answer.json()
    return image


async def orphan(client: httpx.AsyncClient, data: bytes | None = None) -> int:
    """The id of an image on no product, made through the other dialect."""
    answer = await client.post("/v2/images.json", files=form(data))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


async def order(client: httpx.AsyncClient, product: int = PRODUCT) -> list[int]:
    """The ids of a gallery's images; their positions are checked to be exactly 1..n."""
    images = (await client.get(f"/products/{product}/images", params={"per_page": 200})).json()
    assert [image["position"] for image in images] == list(range(1, len(images) + 1))
    return [image["id"] for image in images]


def page(data: bytes, head: str = "200 OK") -> bytes:
    """A raw HTTP answer for `ScriptedServer`."""
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


def path(url: str) -> str:
    """A picture's URL as the service itself is asked for it."""
    assert url.startswith(DELIVERY + "/"), url
    return url.removeprefix(DELIVERY)
