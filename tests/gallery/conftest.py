"""A service with a store, a browser, and the ways of a page."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import NewPage, chromium, watched_pages
from tests.conftest import PHOTOS
from tests.processes import Server
from tests.shop import png

TOKEN = "the-token-of-the-gallery-tests"
STORE = "7"


@dataclass(frozen=True)
class Shop:
    """What stands behind the page: the service, asked as anybody may ask it."""

    server: Server
    client: httpx.Client

    def add(
        self, product: int, name: str = "photo.png", data: bytes | None = None, alt: str | dict[str, str] = ""
    ) -> int:
        """The id of a new picture of a product."""
        files = {"file": (name, png() if data is None else data)}
        texts = {"alt": alt} if isinstance(alt, str) else {f"alt[{tag}]": text for tag, text in alt.items()}
        answer = self.client.post(f"/products/{product}/images", files=files, data=texts)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def add_photo(self, product: int, name: str = "rocket.jpg", alt: str = "") -> int:
        """One of the real ones."""
        return self.add(product, name, (PHOTOS / name).read_bytes(), alt)

    def orphan(self, name: str, color: str = "red") -> int:
        answer = self.client.post("/v2/images.json", files={"file": (name, png(color))})
        return int(answer.json()["id"])

    def empty(self) -> None:
        """No product is left, and no picture."""
        while products := self.client.get("/products", params={"fields": "id", "per_page": 200}).json():
            for each in products:
                self.client.put(f"/products/{each['id']}", json={"name": None, "key": None}).raise_for_status()
                self.client.delete(f"/products/{each['id']}")  # 404 where it had a name and no pictures
        while orphans := self.client.get("/images", params={"assigned": "false", "per_page": 200}).json():
            for each in orphans:
                self.client.delete(f"/images/{each['id']}").raise_for_status()

    def names(self, product: int) -> list[str]:
        """Of a product's pictures, in order."""
        answer = self.client.get(f"/products/{product}/images", params={"per_page": 200, "fields": "filename"})
        return [image["filename"] for image in answer.json()]

    def image(self, id: int) -> dict[str, object]:
        image: dict[str, object] = self.client.get(f"/images/{id}", params={"fields": "all"}).json()
        return image


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """For all files: none of them has an event loop of its own."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("gallery")
    server = Server(folder, BOOTSTRAP_STORE=STORE, BOOTSTRAP_TOKEN=TOKEN, FETCH_ALLOW_PRIVATE="true")
    try:
        with server.ready().client(TOKEN) as client:
            yield Shop(server, client)
    finally:
        server.end()


@pytest.fixture(scope="module", autouse=True)
def empty_shop(shop: Shop) -> None:
    """For each file."""
    shop.empty()


@pytest.fixture
def product(_numbers: Iterator[int]) -> int:
    """One that has no pictures."""
    return next(_numbers)


@pytest.fixture(scope="session")
def _numbers() -> Iterator[int]:
    return itertools.count(1000)


@pytest.fixture
def new_page(browser: Browser, shop: Shop) -> Iterator[NewPage]:
    with watched_pages(browser, shop.server.url) as new:
        yield new


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


def sign_in(page: Page, token: str = TOKEN, store: str = STORE) -> None:
    """Where the page asks for it."""
    page.get_by_label("Store ID").fill(store)
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()


def open_product(page: Page, product: int | None, pictures: int) -> None:
    """Signed in, with all its pictures there; None: those on no product."""
    place = "orphans" if product is None else f"products/{product}"
    page.goto(f"/gallery#/{place}")
    sign_in(page)
    expect(page.locator(".tile, #empty:visible")).to_have_count(pictures or 1)


def drop(page: Page, *paths: Path) -> None:
    """Drags files or folders from outside the browser to the middle of the page, and drops them there."""
    size = page.viewport_size
    assert size is not None
    carried = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    place = {"x": size["width"] // 2, "y": size["height"] // 2, "data": carried}
    line = page.context.new_cdp_session(page)
    for event in ("dragEnter", "dragOver", "drop"):
        line.send("Input.dispatchDragEvent", {"type": event, **place})


def shown(page: Page) -> list[str]:
    """The names of the pictures, as they lie."""
    return page.locator(".tile .name").all_inner_texts()


def corner(page: Page) -> Locator:
    """Where uploads and messages are seen; screen readers hear of them elsewhere."""
    return page.get_by_role("complementary", name="Uploads and messages")


def photo(name: str) -> Path:
    return PHOTOS / name
