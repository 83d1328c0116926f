"""A shop with the pages that docs/uploads.md prints, a service on another origin, and a browser."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import MILLISECONDS
from tests.hosting import Files, hosted
from tests.npm import npm_packages
from tests.processes import Server
from tests.uploads.printed import block

HERE = Path(__file__).parent
PRODUCT = 1234


@dataclass
class Shop:
    """Its pages, and its back-end, which has the token."""

    service: Server
    folder: Path
    client: httpx.Client
    url: str = ""
    tickets: list[dict[str, Any]] = field(default_factory=list)

    def new_ticket(self) -> dict[str, Any]:
        asked = {"product_id": PRODUCT, "files": 5, "origins": [self.url]}
        made: dict[str, Any] = self.client.post("/uploads", json=asked).raise_for_status().json()
        self.tickets.append(made)
        return made

    def left(self) -> int:
        """Files that the newest ticket may still make."""
        answer = self.client.get(f"/uploads/{self.tickets[-1]['id']}").raise_for_status()
        return int(answer.json()["files_left"])

    def names(self) -> list[str]:
        """Of the product's pictures."""
        answer = self.client.get(f"/products/{PRODUCT}/images", params={"fields": "filename"}).raise_for_status()
        return [image["filename"] for image in answer.json()]

    def empty(self) -> None:
        self.client.delete(f"/products/{PRODUCT}")  # 404 where it is empty


class _Pages(Files):
    def __init__(self, *given: Any, shop: Shop, **more: Any) -> None:
        self._shop = shop
        super().__init__(*given, **more)

    def do_POST(self) -> None:
        self.answer(200, json.dumps({"url": self._shop.new_ticket()["url"]}).encode())


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("uploaders")
    (folder / "node_modules").symlink_to(npm_packages(HERE))
    (folder / "uploads.js").write_text(block("js", "export async function newTicket"))
    service = Server(folder / "service")
    try:
        with service.ready().client() as client:
            shop = Shop(service, folder, client)
            with hosted(folder, _Pages, shop=shop) as shop.url:
                yield shop
    finally:
        service.end()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """No script of it may leave an error to nobody."""
    wrong: list[str] = []
    with browser.new_context(locale="en-GB") as context:
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
    assert wrong == []
