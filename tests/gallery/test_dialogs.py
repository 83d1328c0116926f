"""Details, URLs and the lightbox are about what they were opened for, however late an answer comes."""

import re

from playwright.sync_api import Dialog, Page, expect

from tests.gallery.conftest import Shop, corner, drop, open_product, photo, shown
from tests.gallery.holding import Held, open_other, put
from tests.gallery.test_arranging import three

CHANGE = r"/images/\d+\?fields=all$"
SCRIPT = r"/photoswipe\.esm\.min\.js$"


def edit(page: Page, picture: str, alt: str) -> None:
    """Opens a picture's details and writes a text."""
    page.get_by_role("button", name=f"Details of {picture}").click()
    page.get_by_label("Alt text").fill(alt)


def open_another(page: Page, product: int, picture: str) -> None:
    open_other(page, product)
    expect(page.locator(".tile .name")).to_have_text([picture])


def back(page: Page, picture: str) -> None:
    page.evaluate("history.back()")
    expect(page.locator(".tile .name")).to_have_text([picture])


def test_back_sends_no_url_to_another_product(page: Page, shop: Shop, product: int) -> None:
    other = product + 700_000
    shop.add(product, "a.png")
    shop.add(other, "b.png")
    open_product(page, product, 1)
    open_another(page, other, "b.png")
    page.get_by_role("button", name="From a URL").click()
    page.get_by_label("Picture URL").fill("http://127.0.0.1:1/c.png")
    back(page, "a.png")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Add", exact=True).click()
    assert f"/products/{other}/images" in sent.value.url


def test_nothing_is_dropped_beside_an_open_dialog(page: Page, shop: Shop, product: int) -> None:
    """The pointer says so: `dropEffect` is what the browser shows."""
    shop.add(product, "a.png")
    open_product(page, product, 1)
    page.evaluate("addEventListener('dragover', ({dataTransfer}) => { window.effect = dataTransfer.dropEffect })")
    page.get_by_role("button", name="Details of a.png").click()
    drop(page, photo("rocket.jpg"))
    assert page.evaluate("effect") == "none"
    expect(page.locator("#drop")).to_be_hidden()
    page.keyboard.press("Escape")
    drop(page, photo("animated.gif"))
    expect(page.locator(".tile .name")).to_have_text(["a.png", "animated.gif"])
    assert shop.names(product) == ["a.png", "animated.gif"]


def test_a_text_that_is_being_written_outlives_a_replacement(page: Page, shop: Shop, product: int) -> None:
    id = shop.add(product, "old.png")
    open_product(page, product, 1)
    edit(page, "old.png", "A rocket")
    page.get_by_label("File of the new picture").set_input_files(photo("rocket.jpg"))
    expect(page.get_by_role("dialog", name="rocket.jpg")).to_be_visible()
    area = page.get_by_label("Alt text")
    expect(area).to_have_value("A rocket")
    expect(area).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Continue editing").click()
    expect(area).to_have_value("A rocket")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt")).to_have_text("A rocket")
    assert shop.image(id)["alt"] == "A rocket"


def test_the_browser_asks_before_an_unsaved_text_is_lost(page: Page, shop: Shop, product: int) -> None:
    shop.add(product, "a.png")
    open_product(page, product, 1)
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    assert asked == []
    edit(page, "a.png", "Mine")
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)
    assert asked == ["beforeunload"]


def test_a_text_that_nobody_is_writing_gives_way_to_the_latest(page: Page, shop: Shop, product: int) -> None:
    """A move is a conflict, and the new state has another text."""
    id = three(shop, product)[0]
    open_product(page, product, 3)
    page.get_by_role("button", name="Details of a.png").click()
    shop.client.put(f"/products/{product}/images/{id}", json={"alt": "Theirs"}).raise_for_status()
    page.get_by_label("Position of 3").fill("2")
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_role("button", name="Show the latest version").click()
    expect(page.get_by_label("Alt text")).to_have_value("Theirs")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_hidden()
    page.get_by_label("Position of 3").fill("2")
    with put(page):  # type: ignore[attr-defined]
        page.get_by_role("button", name="Move", exact=True).click()
    expect(corner(page).get_by_text("Moved to position 2.")).to_be_visible()
    expect(page.get_by_role("button", name="Continue editing")).to_have_count(0)


def test_a_late_replacement_leaves_another_pictures_details_alone(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    line = Held(page, "PUT", CHANGE)
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("File of the new picture").set_input_files(photo("rocket.jpg"))
    expect(page.get_by_role("dialog")).to_have_attribute("aria-busy", "true")
    page.keyboard.press("Escape")
    edit(page, "b.png", "Half a t")
    expect(page.get_by_role("dialog")).not_to_have_attribute("aria-busy", "true")
    line.let_go()
    expect(corner(page).get_by_text("a.png: Picture replaced. It has a new URL.")).to_be_visible()
    expect(page.get_by_role("dialog", name="b.png")).to_be_visible()
    expect(page.get_by_label("Alt text")).to_have_value("Half a t")


def test_a_text_that_is_being_saved_is_not_said_to_be_lost(page: Page, shop: Shop, product: int) -> None:
    """Nor does its late answer close another picture's details."""
    first = three(shop, product)[0]
    open_product(page, product, 3)
    line = Held(page, "PUT", CHANGE)
    edit(page, "a.png", "A square")
    page.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")
    edit(page, "b.png", "Half a t")
    line.let_go()
    expect(corner(page).get_by_text("a.png: Alt text saved.")).to_be_visible()
    expect(page.get_by_role("dialog", name="b.png")).to_be_visible()
    expect(page.get_by_label("Alt text")).to_have_value("Half a t")
    expect(corner(page).get_by_text("The alt text wasn’t saved.")).to_have_count(0)
    assert shop.image(first)["alt"] == "A square"


def test_what_is_written_after_save_stays(page: Page, shop: Shop, product: int) -> None:
    id = shop.add(product, "a.png")
    open_product(page, product, 1)
    line = Held(page, "PUT", CHANGE)
    edit(page, "a.png", "A square")
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Alt text").fill("A red square")
    line.let_go()
    expect(page.locator(".tile .alt")).to_have_text("A square")
    expect(page.get_by_label("Alt text")).to_have_value("A red square")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert shop.image(id)["alt"] == "A red square"


def test_a_failure_is_told_after_the_details_were_closed(page: Page, shop: Shop, product: int) -> None:
    shop.add(product, "a.png")
    open_product(page, product, 1)
    line = Held(page, "PUT", CHANGE)
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("URL of the new picture").fill("http://127.0.0.1:1/none.png")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    line.let_go()
    expect(corner(page).get_by_text("a.png: This URL couldn’t be downloaded.")).to_be_visible()


def test_a_text_that_is_refused_after_the_details_were_closed_can_be_gone_back_to(
    page: Page, shop: Shop, product: int
) -> None:
    id = shop.add(product, "a.png")
    open_product(page, product, 1)
    page.route("**/images/*?fields=all", lambda route: route.fulfill(status=500, body="{}"), times=1)
    line = Held(page, "PUT", CHANGE)
    edit(page, "a.png", "A square")
    page.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    line.let_go()
    message = corner(page).locator(".toast", has_text="a.png: Something went wrong in the service (error 500).")
    message.get_by_role("button", name="Continue editing").click()
    expect(page.get_by_label("Alt text")).to_have_value("A square")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt")).to_have_text("A square")
    assert shop.image(id)["alt"] == "A square"


def load(page: Page, line: Held, address: str) -> None:
    """Lets the lightbox's script come. The page goes on with it before this does."""
    line.let_go()
    page.evaluate("address => import(address).then(() => {})", address)


def test_a_double_click_opens_one_lightbox(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    line = Held(page, "GET", SCRIPT)
    with page.expect_request(re.compile(SCRIPT)) as asked:
        page.get_by_role("button", name="View a.png").dblclick()
    load(page, line, asked.value.url)
    expect(page.locator(".pswp")).to_have_count(1)


def test_a_lightbox_that_loads_late_opens_over_no_other_product(page: Page, shop: Shop, product: int) -> None:
    other = product + 700_000
    shop.add(product, "a.png")
    shop.add(other, "b.png")
    open_product(page, product, 1)
    line = Held(page, "GET", SCRIPT)
    with page.expect_request(re.compile(SCRIPT)) as asked:
        page.get_by_role("button", name="View a.png").click()
    open_another(page, other, "b.png")
    load(page, line, asked.value.url)
    expect(page.locator(".pswp")).to_have_count(0)
    page.get_by_role("button", name="View b.png").click()
    expect(page.locator(".pswp")).to_have_count(1)


def test_a_double_click_on_the_bin_deletes_one_picture(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete a.png").dblclick()
    expect(page.locator(".tile")).to_have_count(2)
    assert shown(page) == ["b.png", "c.png"]
    page.get_by_role("button", name="Delete b.png").click()
    expect(page.locator(".tile")).to_have_count(1)
