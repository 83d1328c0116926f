"""Photos on their way in, and pictures on their way out, for the tests of delivery."""

import asyncio
import io
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

import httpx
from PIL import Image

from tests.conftest import PHOTOS, Service
from tests.shop import PRODUCT, path

ROCKET, COFFEE, CUP, FILM = "rocket.jpg", "coffee-orientation-6.jpg", "transparent.png", "animated.gif"

# What every answer of delivery has, errors too.
SECURITY = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "cross-origin",
    "access-control-allow-origin": "*",
}


async def uploaded(client: httpx.AsyncClient, name: str, data: bytes | None = None) -> dict[str, Any]:
    """A photo on a product, with all its fields."""
    content = (PHOTOS / name).read_bytes() if data is None else data
    answer = await client.post(f"/products/{PRODUCT}/images", params={"fields": "all"}, files={"file": (name, content)})
    assert answer.status_code == 201, answer.text
    image: dict[str, Any] = answer.json()
    return image


def url_of(image: dict[str, Any], size: str = "640-0", format: str | None = None) -> str:
    """The path of one of its variants, as `fields=all` lists them."""
    wanted = (size, format or image["format"])
    [found] = [each["url"] for each in image["variants"] if (each["size"], each["format"]) == wanted]
    return path(found)


def decoded(answer: httpx.Response) -> Image.Image:
    """By another decoder than drew it, and to the last pixel."""
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(answer.content))
    picture.load()
    return picture


def headers_of(answer: httpx.Response) -> dict[str, str]:
    """All but the request's own id."""
    assert answer.headers["X-Request-Id"]
    return {name: value for name, value in answer.headers.items() if name != "x-request-id"}


async def get_as_written(service: Service, path: str) -> httpx.Response:
    """For a path that an HTTP client would resolve or encode before it sends it."""
    status, headers, body = 0, httpx.Headers(), b""

    messages = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> dict[str, Any]:
        if not messages:
            await asyncio.Event().wait()  # the client stays
        return messages.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, headers, body
        if message["type"] == "http.response.start":
            status, headers = message["status"], httpx.Headers(message["headers"])
        else:
            body += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"api.test")],
        "client": ("127.0.0.1", 1),
        "server": ("api.test", 80),
    }
    await service.app(scope, receive, send)
    return httpx.Response(status, headers=headers, content=body)
