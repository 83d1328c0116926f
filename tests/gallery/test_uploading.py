"""Pictures on their way up: by every way in, through every fault, with a reason for each that is refused."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import PHOTOS
from tests.gallery.conftest import Shop, corner, drop, open_product, photo, shown, sign_in
from tests.hosting import hosted
from tests.processes import eventually
from tests.shop import png

UNREADABLE = "This file can’t be read. If it’s a folder, choose the pictures in it. Otherwise choose the file again."
MAKE_TRANSFER = """files => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  return transfer;
}"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """The URL of another server with the test photos."""
    with hosted(PHOTOS) as url:
        yield url


def choose(page: Page, *names: str) -> None:
    page.get_by_label("Pictures to add").set_input_files([photo(name) for name in names])


def transfer(page: Page, **files: bytes) -> object:
    """What a drop or a paste carries."""
    return page.evaluate_handle(
        MAKE_TRANSFER, [[name, base64.b64encode(data).decode()] for name, data in files.items()]
    )


def test_many_files_arrive_in_their_order(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    names = ["rocket.jpg", "transparent.png", "animated.gif", "coffee-orientation-6.jpg"]
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Add pictures").click()
    chooser.value.set_files([photo(name) for name in names])
    expect(corner(page).get_by_text("4 pictures added.")).to_be_visible()
    assert shown(page) == names == shop.names(product)
    expect(page.get_by_role("heading", name="Uploading")).to_be_hidden()
    expect(page.get_by_role("link", name=f"{product} 4 pictures")).to_be_visible()


def test_progress_is_seen(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    line = page.context.new_cdp_session(page)
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 100_000},
    )
    choose(page, "animated.gif", "rocket.jpg")
    row = page.get_by_role("listitem").filter(has_text="animated.gif")
    expect(page.get_by_role("heading", name="Uploading 1 of 2")).to_be_visible()
    expect(row).to_contain_text(re.compile(r"Uploading, [1-9]\d?%"))
    expect(page.get_by_role("progressbar", name="animated.gif")).to_have_attribute("value", re.compile(r"0\.\d+"))
    expect(corner(page).get_by_text("2 pictures added.")).to_be_visible()


def test_each_refusal_has_its_reason(page: Page, shop: Shop, product: int, tmp_path: Path) -> None:
    open_product(page, product, 0)
    files = {
        "note.pdf": b"%PDF-1.4",
        "cut.png": png()[:40],
        "heavy.jpg": b"\xff\xd8\xff" + bytes(11_000_000),
        "good.png": png(),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    page.get_by_label("Pictures to add").set_input_files([tmp_path / name for name in files])
    expect(page.get_by_role("heading", name="3 pictures not added")).to_be_visible()
    reasons = {
        "note.pdf": "PDF files can’t be used. Choose a picture in one of these formats: JPEG, PNG, GIF, WebP or AVIF.",
        "cut.png": "The end of this file is missing. Copy or export the picture again.",
        "heavy.jpg": "Too large: the file must be smaller than 10.5 MB.",
    }
    for name, reason in reasons.items():
        expect(page.get_by_role("listitem").filter(has_text=name)).to_contain_text(reason)
    assert shop.names(product) == ["good.png"]
    page.set_viewport_size({"width": 375, "height": 600})
    page.locator(".tile").get_by_role("button").last.click(trial=True)  # the list lies over it, until one scrolls
    page.get_by_role("button", name="Dismiss note.pdf").click()
    expect(page.get_by_role("heading", name="2 pictures not added")).to_be_visible()
    page.get_by_role("button", name="Close the upload list").click()
    expect(page.locator("#tray")).to_be_hidden()


def test_a_folder_is_named_at_once_and_the_others_go_on(page: Page, shop: Shop, product: int, tmp_path: Path) -> None:
    open_product(page, product, 0)
    folder = tmp_path / "holiday"
    folder.mkdir()
    drop(page, folder, photo("rocket.jpg"))
    row = page.get_by_role("listitem").filter(has_text="holiday")
    expect(row).to_contain_text(UNREADABLE)
    expect(row.get_by_role("button", name="Retry")).to_be_hidden()
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg"])
    assert shop.names(product) == ["rocket.jpg"]


def test_a_file_that_is_gone_does_not_hold_the_others(page: Page, shop: Shop, product: int, tmp_path: Path) -> None:
    """Once gone while it waits behind another, once while it is being sent."""
    open_product(page, product, 0)
    waiting, sent = tmp_path / "waiting.png", tmp_path / "sent.png"
    waiting.write_bytes(png("red"))
    sent.write_bytes(png("blue"))
    came: list[Route] = []

    def lose_both(route: Route) -> None:
        came.append(route)
        if len(came) == 1:
            waiting.unlink()
        if len(came) == 2:
            sent.unlink()
            route.abort()
        else:
            route.continue_()

    page.route("**/images?fields=all", lose_both)
    page.get_by_label("Pictures to add").set_input_files([photo("rocket.jpg"), waiting, sent, photo("animated.gif")])
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg", "animated.gif"])
    for path in (waiting, sent):
        expect(page.get_by_role("listitem").filter(has_text=path.name)).to_contain_text(UNREADABLE)
    assert len(came) == 3


def test_files_are_dropped_on_the_page(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    carried = transfer(page, **{"one.png": png("red"), "two.png": png("blue")})
    page.dispatch_event("main", "dragenter", {"dataTransfer": carried})
    expect(page.get_by_text("Drop pictures to add them")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": carried})
    expect(page.get_by_text("Drop pictures to add them")).to_be_hidden()
    expect(page.locator(".tile")).to_have_count(2)
    assert shop.names(product) == ["one.png", "two.png"]


def test_what_is_dropped_on_the_first_screen_is_on_no_product(page: Page, shop: Shop) -> None:
    page.goto("/gallery")
    sign_in(page)
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()
    carried = transfer(page, **{"first-screen.png": png("green")})
    page.dispatch_event("main", "dragenter", {"dataTransfer": carried})
    expect(page.get_by_text("Drop pictures to add them without a product")).to_be_visible()
    page.dispatch_event("main", "drop", {"dataTransfer": carried})
    expect(corner(page).get_by_text("1 picture added. It’s not assigned to a product yet.")).to_be_visible()
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".tile .name")).to_have_text(["first-screen.png"])
    page.get_by_role("button", name="Delete first-screen.png").click()
    page.get_by_role("link", name="image-service").click()
    eventually(lambda: shop.client.get("/images?assigned=false").json() == [])


def test_a_picture_and_a_url_are_pasted(page: Page, shop: Shop, product: int, elsewhere: str) -> None:
    open_product(page, product, 0)
    paste = "data => dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))"
    on_body = paste.replace("dispatchEvent(", "document.body.dispatchEvent(")
    page.evaluate(on_body, transfer(page, **{"pasted.png": png()}))
    expect(page.locator(".tile")).to_have_count(1)
    text = page.evaluate_handle(
        "url => { const t = new DataTransfer(); t.setData('text', url); return t }", f"{elsewhere}/rocket.jpg"
    )
    page.evaluate(on_body, text)
    expect(page.locator(".tile")).to_have_count(2)
    assert shop.names(product) == ["pasted.png", "rocket.jpg"]


@pytest.mark.parametrize("status", [503, 409, 429])
def test_a_service_that_is_busy_is_asked_again(page: Page, shop: Shop, product: int, status: int) -> None:
    open_product(page, product, 0)
    keys: list[str] = []

    def busy_at_first(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fulfill(status=status, headers={"Retry-After": "1"}, json={"description": "later"})
        else:
            route.continue_()

    page.route("**/images?fields=all", busy_at_first)
    choose(page, "rocket.jpg")
    expect(corner(page).get_by_text("The service is busy. Next try in 1 s.")).to_be_visible()
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg"])
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_an_answer_that_is_lost_makes_no_second_picture(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    line = page.context.new_cdp_session(page)
    answered: list[int] = []

    def lose_the_first(paused: dict[str, Any]) -> None:
        answered.append(paused["responseStatusCode"])
        if len(answered) == 1:
            line.send("Fetch.failRequest", {"requestId": paused["requestId"], "errorReason": "ConnectionReset"})
        else:
            line.send("Fetch.continueRequest", {"requestId": paused["requestId"]})

    line.on("Fetch.requestPaused", lose_the_first)
    line.send("Fetch.enable", {"patterns": [{"urlPattern": "*/images?fields=all", "requestStage": "Response"}]})
    choose(page, "rocket.jpg")
    expect(corner(page).get_by_text("Connection lost. Next try in 1 s.")).to_be_visible()
    expect(corner(page).get_by_text("1 picture added.")).to_be_visible()
    assert answered == [201, 201]
    assert shown(page) == shop.names(product) == ["rocket.jpg"]


def test_one_is_cancelled_and_one_is_tried_again(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    came: list[Route] = []

    def hold_the_first(route: Route) -> None:
        came.append(route)
        if len(came) > 1:
            route.fulfill(status=500, headers={"X-Request-Id": "abc"}, json={})

    page.route("**/images?fields=all", hold_the_first)
    choose(page, "rocket.jpg", "animated.gif")
    expect(page.get_by_role("heading", name="Uploading 1 of 2")).to_be_visible()
    page.get_by_role("button", name="Cancel rocket.jpg").click()
    expect(
        corner(page).get_by_text(
            "Something went wrong in the service (error 500). If it happens again, report this code: abc."
        )
    ).to_be_visible()
    page.unroute("**/images?fields=all")
    page.get_by_role("button", name="Retry animated.gif").click()
    expect(page.locator(".tile .name")).to_have_text(["animated.gif"])
    assert shop.names(product) == ["animated.gif"]


def test_an_edit_after_an_upload_is_no_conflict(page: Page, shop: Shop, product: int) -> None:
    """The page's own uploads change the gallery as well; they are no conflict."""
    shop.add(product, "first.png")
    open_product(page, product, 1)
    held: list[Route] = []
    page.route("**/images?fields=all", lambda route: held.append(route) if held else route.continue_())
    choose(page, "rocket.jpg")
    expect(page.locator(".tile")).to_have_count(2)
    page.get_by_role("button", name="Details of first.png").click()
    page.get_by_label("Alt text").fill("Still the first")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt").first).to_have_text("Still the first")


def test_pictures_on_no_product(page: Page, shop: Shop, product: int) -> None:
    open_product(page, None, 0)
    expect(page.get_by_role("heading", name="No unassigned pictures")).to_be_visible()
    expect(page.get_by_role("button", name="From a URL")).to_be_hidden()
    choose(page, "rocket.jpg", "animated.gif")
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg", "animated.gif"])
    page.get_by_label("Pictures to add").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    expect(corner(page).get_by_text("This file can’t be used")).to_be_visible()
    page.get_by_role("button", name="Details of animated.gif").click()
    page.get_by_label("Assign to product number").fill(str(product))
    page.get_by_role("button", name="Assign").click()
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg"])
    page.get_by_role("button", name="Open product").click()
    expect(page.get_by_role("heading", name=f"Product {product}")).to_be_focused()
    expect(page.locator(".tile .name")).to_have_text(["animated.gif"])
    assert shop.names(product) == ["animated.gif"]
