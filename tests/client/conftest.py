"""A shop with pages of its own, on another origin than the service, and a line to the service that loses answers."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.browser import MILLISECONDS
from tests.hosting import Files, hosted
from tests.processes import Server

PRODUCT = 1234
SHOWN = "src,alt,width,height,thumbhash,srcset"


@dataclass
class Shop:
    service: Server
    folder: Path
    client: httpx.Client
    url: str = ""
    keys: list[str] = field(default_factory=list)  # that came over the line
    faults: deque[str] = field(default_factory=deque)  # of its next requests: "lost", or an answer of its own

    def ticket(self, *, by_line: bool = False) -> dict[str, Any]:
        asked = {"product_id": PRODUCT, "files": 5, "origins": [self.url]}
        made: dict[str, Any] = self.client.post("/uploads", json=asked).raise_for_status().json()
        if by_line:
            made["url"] = made["url"].replace(self.service.url, f"{self.url}/line")
        return made

    def pictures(self) -> list[dict[str, Any]]:
        answer = self.client.get(f"/products/{PRODUCT}/images", params={"fields": SHOWN}).raise_for_status()
        images: list[dict[str, Any]] = answer.json()
        return images

    def add(self, path: Path, alt: str = "") -> None:
        files = {"file": (path.name, path.read_bytes())}
        self.client.post(f"/products/{PRODUCT}/images", files=files, data={"alt": alt}).raise_for_status()


class _Pages(Files):
    def __init__(self, *given: Any, shop: Shop, **more: Any) -> None:
        self._shop = shop
        super().__init__(*given, **more)

    def do_GET(self) -> None:
        if self.path == "/pictures":
            self.answer(200, json.dumps(self._shop.pictures()).encode())
        else:
            super().do_GET()

    def do_POST(self) -> None:
        if self.path.startswith("/line/"):
            self._pass_on()
        else:
            self.answer(200, json.dumps({"url": self._shop.ticket()["url"]}).encode())

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._shop.keys.append(self.headers["Idempotency-Key"])
        fault = self._shop.faults.popleft() if self._shop.faults else ""
        if fault.isdigit():
            self.answer(int(fault), b"busy", {"Retry-After": "1"})
            return
        url = self._shop.service.url + self.path.removeprefix("/line")
        names = ("Content-Type", "Idempotency-Key")
        answer = httpx.post(url, content=body, headers={name: self.headers[name] for name in names})
        if fault == "lost":  # the image is made, but its answer is lost
            self.close_connection = True
            self.connection.close()
        else:
            problem = {"Problem": answer.headers["Problem"]} if "Problem" in answer.headers else {}
            self.answer(answer.status_code, answer.content, problem)


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    service = Server(folder / "service")
    try:
        with service.ready().client() as client:
            shop = Shop(service, folder, client)
            module = f'import * as client from "{service.url}/client.js"; window.client = client;'
            (folder / "page.html").write_text(f'<input type="file"><script type="module">{module}</script>')
            with hosted(folder, _Pages, shop=shop) as shop.url:
                yield shop
    finally:
        service.end()


@pytest.fixture
def page(browser: Browser, shop: Shop) -> Iterator[Page]:
    """With the module in `window.client`, a product without pictures, and a line without faults."""
    shop.client.delete(f"/products/{PRODUCT}")  # 404 where it is empty
    shop.keys.clear()
    shop.faults.clear()
    wrong: list[str] = []
    with browser.new_context(viewport={"width": 800, "height": 600}) as context:
        context.set_default_timeout(MILLISECONDS)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{shop.url}/page.html")
        page.wait_for_function("window.client")
        yield page
    assert wrong == []
