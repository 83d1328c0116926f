"""What becomes of changes under way when the page is left, its token is revoked, or the line is lost."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Dialog, Page, expect

from tests.gallery.conftest import Shop, corner, open_product, sign_in
from tests.gallery.holding import Held, move
from tests.gallery.test_racing import CHANGE, LIST, UPLOAD, choose, saved, some
from tests.processes import command, eventually
from tests.shop import png


def revoked(page: Page) -> None:
    """The page's next call of one kind finds that its token is."""
    page.route("**/products?*", lambda route: route.fulfill(status=401, body="{}"), times=1)
    page.get_by_label("Find a product").fill("a")
    expect(page.get_by_text("Your token is no longer valid")).to_be_visible()


def rename(page: Page) -> None:
    page.get_by_role("button", name="Name", exact=True).click()
    page.get_by_role("textbox", name="Name").fill("Boots")
    page.keyboard.press("Enter")


@pytest.mark.parametrize(
    ("method", "path", "act"),
    [
        ("PUT", CHANGE, lambda page: move(page, 0, "ArrowRight")),
        ("POST", UPLOAD, choose),
        ("GET", LIST, rename),
    ],
    ids=["move", "upload", "name"],
)
def test_a_deletion_is_carried_out_though_another_change_is_under_way(
    page: Page, shop: Shop, product: int, method: str, path: str, act: Callable[[Page], None]
) -> None:
    some(shop, product, "abc")
    open_product(page, product, 3)
    held = Held(page, method, path)
    page.get_by_role("button", name="Delete b.png").click()
    act(page)
    held.reach()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    eventually(lambda: "b.png" not in shop.names(product))


def test_a_deletion_is_carried_out_though_a_picture_from_a_url_is_there(page: Page, shop: Shop, product: int) -> None:
    src = str(shop.image(some(shop, product, "abc")[0])["src"])  # the store's own: it is there at once
    open_product(page, product, 3)
    lists = Held(page, "GET", LIST)
    page.get_by_role("button", name="Delete b.png").click()
    page.get_by_role("button", name="From a URL").click()
    page.get_by_label("Picture URL").fill(src)
    page.keyboard.press("Enter")
    lists.come()
    page.goto("/")
    eventually(lambda: "b.png" not in shop.names(product))


def test_a_deletion_is_carried_out_though_the_pictures_were_never_loaded(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "a")
    page.route(re.compile(LIST), lambda route: route.fulfill(status=500, body="{}"))
    page.goto(f"/gallery#/products/{product}")
    sign_in(page)
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    choose(page)
    page.get_by_role("button", name="Delete x.png").click()
    page.goto("/")
    eventually(lambda: saved(shop, product) == "a")


def to_the_end(page: Page) -> None:
    move(page, 0, "End")


def describe(page: Page) -> None:
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("Alt text").fill("Text")
    page.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")


def replace(page: Page) -> None:
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("File of the new picture").set_input_files(
        {"name": "y.png", "mimeType": "image/png", "buffer": png("blue")}
    )


def assign(page: Page) -> None:
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("Assign to product number").fill("5")
    page.get_by_role("button", name="Assign").click()


@pytest.mark.parametrize("act", [to_the_end, describe, replace, assign, rename])
def test_leaving_asks_while_a_change_is_under_way(
    page: Page, shop: Shop, product: int, act: Callable[[Page], None]
) -> None:
    some(shop, product, "ab")
    if act is assign:
        shop.orphan("a.png")
    open_product(page, None if act is assign else product, 1 if act is assign else 2)
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    held = Held(page, "POST" if act is assign else "PUT", r"/products/\d+")
    act(page)
    held.come()
    page.goto("/")
    assert asked == ["beforeunload"]


def test_signing_out_waits_for_moves(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abcd")
    open_product(page, product, 4)
    moves = Held(page, "PUT", CHANGE)
    move(page, 0, "End")
    move(page, 0, "End")
    moves.come()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Saving…")).to_be_disabled()
    moves.let_go()
    expect(page.get_by_label("Token")).to_be_visible()
    assert saved(shop, product) == "cdab"


@pytest.mark.parametrize("stays", [True, False])
def test_signing_out_asks_once_while_pictures_are_uploaded(page: Page, shop: Shop, product: int, stays: bool) -> None:
    some(shop, product, "a")
    open_product(page, product, 1)
    uploads = Held(page, "POST", UPLOAD)
    choose(page)
    uploads.come()
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss() if stays else dialog.accept()

    page.on("dialog", answer)
    page.get_by_role("button", name="Sign out").click()
    if stays:
        expect(page.get_by_role("button", name="Sign out")).to_be_enabled()
        uploads.let_go()
        expect(page.locator(".tile")).to_have_count(2)
        assert saved(shop, product) == "ax"
        page.reload()
        expect(page.locator(".tile")).to_have_count(2)  # still signed in
    else:
        expect(page.get_by_label("Token")).to_be_visible()
    assert asked == ["confirm"]


@pytest.mark.parametrize("change", ["deletion", "move"])
def test_signing_out_without_a_line_loses_nothing(page: Page, shop: Shop, product: int, change: str) -> None:
    some(shop, product, "abc")
    open_product(page, product, 3)
    moves = Held(page, "PUT", CHANGE)
    if change == "move":
        move(page, 0, "End")
        moves.come()
    else:
        page.get_by_role("button", name="Delete b.png").click()
    page.context.set_offline(True)
    page.get_by_role("button", name="Sign out").click()
    moves.let_go()
    again = corner(page).get_by_role("button", name="Move again" if change == "move" else "Try again")
    expect(again).to_be_visible()
    page.context.set_offline(False)
    again.click()
    expect(page.get_by_role("button", name="Sign out")).to_be_enabled()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert saved(shop, product) == ("bca" if change == "move" else "ac")


def test_another_token_may_do_less_or_more(page: Page, shop: Shop, product: int) -> None:
    reading = command(shop.server.data.parent, "stores", "token", "7", "--read-only", "--json").json["token"]
    some(shop, product, "ab")
    open_product(page, product, 2)
    add = page.get_by_role("button", name="Add pictures")
    expect(add).to_be_visible()
    revoked(page)
    sign_in(page, token=reading)
    expect(page.get_by_role("banner").get_by_text("Read-only")).to_be_visible()
    expect(add).to_be_hidden()
    revoked(page)
    sign_in(page)
    expect(add).to_be_visible()


def test_another_store_is_sent_nothing_of_the_first(page: Page, shop: Shop, product: int) -> None:
    """What the first one is owed is still sent in its own name."""
    other = command(shop.server.data.parent, "stores", "add", "third", "--json").json
    some(shop, product, "abc")
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").click()
    revoked(page)
    sign_in(page, token=other["token"], store=str(other["store_id"]))
    expect(page.get_by_text("No products yet.")).to_be_visible()
    eventually(lambda: saved(shop, product) == "ac")
