"""Upload tickets, as a shop's back-end makes them and its front-end uses them."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
from sqlalchemy import func, literal, update
from sqlmodel import col

from image_service.images.models import UploadTicketRow
from tests.conftest import Service
from tests.shop import form, png

SHOP = "https://shop.example.com"
COLORS = ("red", "green", "blue", "white", "black", "gray")


async def ticket(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await client.post("/uploads", json=asked)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def at(made: dict[str, Any]) -> str:
    """Its URL without the host."""
    url = urlsplit(made["url"])
    return f"{url.path}?{url.query}"


async def sent(anyone: httpx.AsyncClient, made: dict[str, Any], color: str = "red", **more: Any) -> httpx.Response:
    """One file."""
    return await anyone.post(at(made), files=form(png(color), f"{color}.png"), **more)


async def left(client: httpx.AsyncClient, made: dict[str, Any]) -> int:
    """Files that may still be made."""
    answer = await client.get(f"/uploads/{made['id']}")
    assert answer.status_code == 200, answer.text
    return int(answer.json()["files_left"])


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and words of one in the code shape."""
    body = answer.json()
    assert body["code"] == answer.status_code
    assert body.keys() == {"code", "message", "description"}
    return answer.status_code, body["description"]


async def expire(service: Service, id: str, days: int = 0) -> None:
    past = func.now() - literal(timedelta(days=days))
    async with service.database.transaction() as session:
        await session.exec(update(UploadTicketRow).where(col(UploadTicketRow.id) == id).values(expires_at=past))
