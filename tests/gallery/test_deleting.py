"""Deletions: each can be undone for a while, and is carried out when the while is over or one leaves."""

import re

from playwright.sync_api import Page, expect

from tests.gallery.conftest import Shop, corner, open_product, photo, shown
from tests.gallery.test_arranging import three
from tests.processes import eventually


def deleted(page: Page) -> object:
    """Waits for the answer to a deletion."""
    return page.expect_response(lambda answer: answer.request.method == "DELETE" and answer.ok)


def test_a_deletion_can_be_undone(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    page.clock.install()
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").click()
    expect(page.locator(".tile")).to_have_count(2)
    expect(page.get_by_text("2 pictures", exact=True).first).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert shown(page) == ["a.png", "b.png", "c.png"]
    page.get_by_role("button", name="Delete b.png").click()
    page.keyboard.press("Control+z")
    expect(page.locator(".tile")).to_have_count(3)
    page.clock.fast_forward(60_000)
    page.get_by_role("button", name="Delete b.png").click()
    assert len(shop.names(product)) == 3  # not yet
    with page.expect_response(lambda answer: answer.request.method == "DELETE" and answer.ok):
        page.clock.fast_forward(10_500)
    assert shown(page) == ["a.png", "c.png"] == shop.names(product)


def test_undo_gives_the_focus_to_the_picture_that_is_back(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").press("Enter")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("button", name="View b.png")).to_be_focused()


def test_each_deletion_has_an_undo_of_its_own(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    page.clock.install()
    open_product(page, product, 3)
    for name in ("a.png", "b.png", "c.png"):
        page.get_by_role("button", name=f"Delete {name}").click()
    expect(page.locator(".tile")).to_have_count(0)
    corner(page).locator(".toast", has_text="b.png deleted.").get_by_role("button", name="Undo").click()
    assert shown(page) == ["b.png"]
    page.keyboard.press("Control+z")  # the last one
    assert shown(page) == ["b.png", "c.png"]
    assert shop.names(product) == ["a.png", "b.png", "c.png"]
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    with deleted(page):  # type: ignore[attr-defined]
        page.clock.fast_forward(10_500)
    expect(page.locator(".tile")).to_have_count(2)
    assert shop.names(product) == ["b.png", "c.png"]


def test_leaving_the_page_carries_out_deletions(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    for name in ("a.png", "c.png"):
        page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("link", name="Unassigned").click()
    eventually(lambda: shop.names(product) == ["b.png"])
    page.go_back()
    page.get_by_role("button", name="Delete b.png").click()
    page.goto("/")
    eventually(lambda: shop.names(product) == [])


def test_all_deletions_are_carried_out_when_the_page_is_left(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    for name in ("a.png", "b.png", "c.png"):
        page.get_by_role("button", name=f"Delete {name}").click()
    page.goto("/")
    eventually(lambda: shop.names(product) == [])


def test_an_upload_that_is_deleted_at_once_is_deleted_when_the_page_is_left(
    page: Page, shop: Shop, product: int
) -> None:
    three(shop, product)
    open_product(page, product, 3)
    page.get_by_label("Pictures to add").set_input_files(photo("rocket.jpg"))
    page.get_by_role("button", name="Delete rocket.jpg").click()
    page.goto("/")
    eventually(lambda: shop.names(product) == ["a.png", "b.png", "c.png"])


def test_a_deletion_under_way_is_carried_out_when_the_page_is_left(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    page.clock.install()
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").click()
    page.route(re.compile(r"/images/\d+"), lambda _: None, times=1)  # it never reaches the service
    with page.expect_request(lambda request: request.method == "DELETE"):
        page.clock.fast_forward(10_500)
    page.goto("/")
    eventually(lambda: shop.names(product) == ["a.png", "c.png"])


def test_an_orphan_is_deleted_though_the_page_is_left_at_once(page: Page, shop: Shop) -> None:
    shop.orphan("left.png")
    open_product(page, None, 1)
    page.route(re.compile(r"/images/\d+$"), lambda _: None)  # a question about the picture would get no answer
    page.get_by_role("button", name="Delete left.png").click()
    page.goto("/")
    eventually(lambda: shop.client.get("/images?assigned=false").json() == [])


def test_a_deletion_that_the_line_lost_is_offered_again(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    page.clock.install()
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").click()
    page.context.set_offline(True)
    page.clock.fast_forward(10_500)
    message = corner(page).locator(".toast", has_text="Connection lost. b.png wasn’t deleted.")
    expect(message).to_be_visible()
    assert shown(page) == ["a.png", "b.png", "c.png"] == shop.names(product)
    page.context.set_offline(False)
    message.get_by_role("button", name="Try again").press("Enter")
    expect(page.get_by_role("heading", name=f"Product {product}")).to_be_focused()
    expect(page.locator(".tile")).to_have_count(2)
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    with deleted(page):  # type: ignore[attr-defined]
        page.clock.fast_forward(10_500)
    assert shop.names(product) == ["a.png", "c.png"]


def test_an_orphan_that_was_put_on_a_product_is_not_deleted(page: Page, shop: Shop, product: int) -> None:
    id = shop.orphan("loose.png")
    page.clock.install()
    open_product(page, None, 1)
    page.get_by_role("button", name="Delete loose.png").click()
    shop.client.post(f"/products/{product}/images", json={"image_id": id}).raise_for_status()
    page.clock.fast_forward(10_500)
    expect(page.get_by_role("alert")).to_contain_text("Someone else changed these pictures.")
    assert shop.names(product) == ["loose.png"]
    page.get_by_role("button", name="Show the latest version").click()
    expect(page.locator(".tile")).to_have_count(0)
