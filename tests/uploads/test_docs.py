"""docs/uploads.md: its page and its shop, as they are printed, in a real browser against a real service."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser import MILLISECONDS
from tests.conftest import PHOTOS
from tests.deploy.needs import program
from tests.deploy.nginx import free_port
from tests.processes import DEADLINE, Server, eventually
from tests.uploads.printed import block

PRODUCT = 1234  # the page's own
# Notes how far the page says that its uploads are.
WATCH = """
window.progressSeen = [];
new MutationObserver((changes) => changes.forEach((each) => progressSeen.push(each.target.value)))
  .observe(document, { subtree: true, attributes: true, attributeFilter: ["value"] });
"""


@dataclass
class Shop:
    service: Server
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def gallery(self) -> list[dict[str, Any]]:
        with self.service.client() as client:
            images: list[dict[str, Any]] = client.get(f"/products/{PRODUCT}/images").raise_for_status().json()
        return images

    def empty(self) -> None:
        with self.service.client() as client:
            client.delete(f"/products/{PRODUCT}").raise_for_status()

    def paste(self, line: str) -> subprocess.Popen[str]:
        """Start a line of the page in a shell: in the shop's folder, with its token."""
        here = line.replace("http://127.0.0.1:8000", self.service.url).replace("9000", str(self.port))
        return subprocess.Popen(
            ["bash", "-c", here],
            cwd=self.folder,
            env={**os.environ, "TOKEN": self.service.token},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """On an origin of its own."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "index.html").write_text(block("html", "<title>Photos of your product</title>"))
    (folder / "shop.py").write_text(block("python"))
    (folder / "uploads.js").write_text(block("js", "export async function newTicket"))
    service = Server(folder / "service")
    try:
        shop = Shop(service.ready(), free_port(), folder)
        process = shop.paste(block("sh", "shop.py"))
        try:
            eventually(lambda: _answers(shop.url))
            yield shop
        finally:
            process.terminate()
            process.communicate(timeout=DEADLINE)
    finally:
        service.end()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.ConnectError:
        return False


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """As over plain http: there `crypto` has fewer functions."""
    with browser.new_context(locale="en-GB") as context:
        context.add_init_script("delete Crypto.prototype.randomUUID")
        context.add_init_script(WATCH)
        context.set_default_timeout(MILLISECONDS)
        yield context.new_page()


def choose(page: Page, *files: Path) -> None:
    page.set_input_files("input", files)


def test_two_photos_and_what_is_refused(shop: Shop, page: Page, tmp_path: Path) -> None:
    shop.empty()
    text = tmp_path / "notes.jpg"
    text.write_text("no picture")
    page.goto(shop.url)
    choose(page, PHOTOS / "rocket.jpg", text)
    expect(page.locator("li").nth(1)).to_have_text("notes.jpg: file must be a jpg, png, gif, webp or avif image")
    expect(page.locator("li img")).to_have_count(1)
    choose(page, PHOTOS / "rocket.jpg")
    expect(page.locator("li img")).to_have_count(2)
    page.wait_for_function("[...document.images].every((each) => each.complete && each.naturalWidth > 0)")
    assert page.locator("progress, button").count() == 0
    assert max(page.evaluate("progressSeen")) == 1
    shown = page.locator("li img").evaluate_all("(found) => found.map((each) => each.src)")
    assert shown == [image["src"] for image in shop.gallery()]


def test_a_lost_answer_is_asked_for_again(shop: Shop, page: Page) -> None:
    shop.empty()
    line = page.context.new_cdp_session(page)
    answered: list[int] = []

    def lose_the_first(paused: dict[str, Any]) -> None:
        if paused["request"]["method"] == "POST":
            answered.append(paused["responseStatusCode"])
        if len(answered) == 1:
            line.send("Fetch.failRequest", {"requestId": paused["requestId"], "errorReason": "ConnectionReset"})
        else:
            line.send("Fetch.continueRequest", {"requestId": paused["requestId"]})

    line.on("Fetch.requestPaused", lose_the_first)
    line.send("Fetch.enable", {"patterns": [{"urlPattern": "*/uploads/*", "requestStage": "Response"}]})
    page.goto(shop.url)
    choose(page, PHOTOS / "rocket.jpg")
    expect(page.locator("li")).to_contain_text("rocket.jpg: The connection was lost")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("img", name="rocket.jpg")).to_be_visible()
    assert answered == [201, 201]
    assert len(shop.gallery()) == 1


def test_after_a_ticket_that_is_over_comes_another(shop: Shop, page: Page) -> None:
    shop.empty()

    def withdraw(route: Route) -> None:
        with shop.service.client() as client:
            client.delete(urlsplit(route.request.url).path).raise_for_status()
        route.continue_()

    page.route("**/uploads/*", withdraw, times=1)
    page.goto(shop.url)
    choose(page, PHOTOS / "rocket.jpg")
    expect(page.locator("li")).to_contain_text("rocket.jpg: The upload ticket has been withdrawn")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("img", name="rocket.jpg")).to_be_visible()
    assert len(shop.gallery()) == 1


def test_a_picture_that_the_product_has_is_shown(shop: Shop, page: Page) -> None:
    shop.empty()
    page.route("**/ticket", lambda route: route.fulfill(json=_reusing(route.fetch().json())))
    page.goto(shop.url)
    for count in (1, 2):
        choose(page, PHOTOS / "rocket.jpg")
        expect(page.get_by_role("img", name="rocket.jpg")).to_have_count(count)
    assert len(shop.gallery()) == 1


def _reusing(ticket: dict[str, str]) -> dict[str, str]:
    return {"url": ticket["url"] + "&on_duplicate=reuse"}


def test_the_shop_serves_what_the_recipes_import(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    said = page.evaluate("""async () => {
        const { newTicket, reasonOf } = await import("/uploads.js");
        return [(await newTicket()).url, reasonOf(""), reasonOf({ file: ["must not be empty"] })];
    }""")
    assert said[0].startswith(f"{shop.service.url}/uploads/")
    assert said[1:] == ["The connection was lost", "file must not be empty"]


def test_a_page_of_another_origin(shop: Shop, page: Page) -> None:
    """The same page under a name that the shop's tickets do not have."""
    shop.empty()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"http://localhost:{shop.port}")
    choose(page, PHOTOS / "rocket.jpg")
    expect(page.locator("li")).to_contain_text("rocket.jpg: The connection was lost")
    assert any("blocked by CORS policy" in each for each in said), said
    assert shop.gallery() == []


def test_the_snippet(shop: Shop, page: Page) -> None:
    with shop.service.client() as client:
        asked = {"product_id": PRODUCT, "origins": [shop.url]}
        url = client.post("/uploads", json=asked).raise_for_status().json()["url"]
    shop.empty()
    page.goto(shop.url)
    program_text = f"""async ([url, photo]) => {{
        {block("js", "async function upload")}
        const bytes = Uint8Array.from(atob(photo), (each) => each.charCodeAt(0));
        const refused = await upload(url, new File(["no picture"], "notes.jpg"));
        return [refused, await upload(url, new File([bytes], "dot.gif"))];
    }}"""
    dot = "R0lGODlhAQABAIAAAAUEBAAAACwAAAAAAQABAAACAkQBADs="
    refused, image = page.evaluate(program_text, [url, dot])
    assert refused == {"file": ["must be a jpg, png, gif, webp or avif image"]}
    assert [image] == shop.gallery()


def test_the_back_ends_line(shop: Shop) -> None:
    program("curl", "curl")
    out, _ = shop.paste(block("sh", "curl")).communicate(timeout=DEADLINE)
    made, printed = json.loads(out), json.loads(block("json"))
    differ = {"id", "created_at", "expires_at", "url"}
    assert {name: made[name] for name in made.keys() - differ} == {
        name: printed[name] for name in printed.keys() - differ
    }
    assert list(made) == list(printed)
