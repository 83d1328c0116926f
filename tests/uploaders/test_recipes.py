"""The recipes of docs/uploads.md as printed: a photo arrives, what is none is refused, and each is sent once."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Request, expect

from tests.conftest import PHOTOS
from tests.processes import eventually
from tests.uploaders.conftest import Shop
from tests.uploads.printed import block

REASON = "file must be a jpg, png, gif, webp or avif image"


class Sent:
    """The files that a page has posted to the service."""

    def __init__(self, page: Page, shop: Shop) -> None:
        self._host = urlsplit(shop.service.url).netloc
        self.requests: list[Request] = []
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and urlsplit(request.url).netloc == self._host:
            self.requests.append(request)


def opened(page: Page, shop: Shop, library: str) -> Sent:
    """The recipe's page, with a ticket of its own and a product without pictures."""
    shop.empty()
    (shop.folder / "page.html").write_text(block("html", f"<title>Photos with {library}</title>"))
    sent = Sent(page, shop)
    page.goto(f"{shop.url}/page.html")
    return sent


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What calls itself a photo."""
    path = tmp_path / "notes.jpg"
    path.write_text("no picture")
    return path


def has(shop: Shop, sent: Sent) -> None:
    """The photo and no more, after one request for each of the two files."""
    eventually(lambda: shop.names() == ["rocket.jpg"])
    assert len(sent.requests) == 2
    assert shop.left() == 4


def test_dropzone(page: Page, shop: Shop, notes: Path) -> None:
    sent = opened(page, shop, "Dropzone")
    page.locator(".dz-clickable").wait_for()
    page.set_input_files("input[type=file]", [PHOTOS / "rocket.jpg", notes])
    expect(page.locator(".dz-success")).to_have_count(1)
    expect(page.locator(".dz-error [data-dz-errormessage]")).to_have_text(REASON)
    has(shop, sent)


def test_filepond(page: Page, shop: Shop, notes: Path) -> None:
    sent = opened(page, shop, "FilePond")
    page.set_input_files(".filepond--browser", [PHOTOS / "rocket.jpg", notes])
    expect(page.locator("[data-filepond-item-state=processing-complete]")).to_have_count(1)
    expect(page.locator("[data-filepond-item-state=processing-error] .filepond--file-status-main")).to_have_text(REASON)
    has(shop, sent)


def test_uppy(page: Page, shop: Shop, notes: Path) -> None:
    sent = opened(page, shop, "Uppy")
    page.locator(".uppy-Dashboard-input").first.set_input_files([PHOTOS / "rocket.jpg", notes])
    expect(page.locator(".uppy-Dashboard-Item.is-complete")).to_have_count(1)
    expect(page.locator(".uppy-Dashboard-Item.is-error").get_by_role("button", name=REASON)).to_be_visible()
    has(shop, sent)


def test_jquery_file_upload(page: Page, shop: Shop, notes: Path) -> None:
    sent = opened(page, shop, "jQuery File Upload")
    page.wait_for_function("$('#photos').data('blueimp-fileupload')")
    page.set_input_files("#photos", [PHOTOS / "rocket.jpg", notes])
    expect(page.get_by_role("img", name="rocket.jpg")).to_be_visible()
    expect(page.get_by_text("notes.jpg")).to_have_text(f"notes.jpg: {REASON}")
    has(shop, sent)


def test_plupload(page: Page, shop: Shop, notes: Path) -> None:
    sent = opened(page, shop, "Plupload")
    page.locator(".moxie-shim input").set_input_files([PHOTOS / "rocket.jpg", notes])
    expect(page.get_by_text("rocket.jpg")).to_have_text("rocket.jpg: uploaded")
    expect(page.get_by_text("notes.jpg")).to_have_text(f"notes.jpg: {REASON}")
    has(shop, sent)
