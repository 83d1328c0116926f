"""The pictures on no product, while their list is being loaded and changed."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.gallery.conftest import Shop, corner, open_product, shown
from tests.gallery.holding import Held
from tests.gallery.test_deleting import deleted
from tests.gallery.test_racing import LIST, choose, saved


@pytest.fixture(autouse=True)
def none_yet(shop: Shop) -> Iterator[None]:
    yield
    shop.empty()


def assign(page: Page, product: int) -> None:
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("Assign to product number").fill(str(product))


def test_a_double_click_on_assign_counts_once(page: Page, shop: Shop, product: int) -> None:
    for name in ("a.png", "b.png", "c.png"):
        shop.orphan(name)
    page.clock.install()
    open_product(page, None, 3)
    assign(page, product)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.get_by_role("button", name="Assign").dblclick()
    expect(page.locator(".tile")).to_have_count(2)
    assert sent.count("POST") == 1
    page.get_by_role("button", name="Delete b.png").click()
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    with deleted(page):  # type: ignore[attr-defined]
        page.clock.fast_forward(10_500)  # by then both clicks have been answered
    expect(page.locator("#count")).to_have_text("1 picture")
    assert shown(page) == ["c.png"]


def test_all_stay_while_the_list_is_loaded_again(page: Page, shop: Shop, product: int) -> None:
    for name in ("a.png", "b.png", "c.png"):
        shop.orphan(name)
    open_product(page, None, 3)
    lists = Held(page, "GET", LIST)
    choose(page)
    lists.reach()
    page.get_by_role("button", name="Delete c.png").click()
    assert shown(page) == ["a.png", "b.png", "x.png"]
    assign(page, product)
    page.get_by_role("button", name="Assign").click()
    lists.let_go()
    expect(corner(page).get_by_text(f"Assigned to product {product}.")).to_be_visible()
    assert shown(page) == ["b.png", "x.png"]
    assert saved(shop, product) == "a"


def test_all_stay_when_loading_them_again_fails(page: Page, shop: Shop) -> None:
    shop.orphan("a.png")
    open_product(page, None, 1)
    page.route(re.compile(LIST), lambda route: route.fulfill(status=500, body="{}"))
    choose(page)
    expect(page.get_by_text("Something went wrong in the service (error 500).")).to_be_visible()
    page.get_by_role("button", name="Delete a.png").click()
    assert shown(page) == ["x.png"]
    page.get_by_role("button", name="Undo").click()
    assert shown(page) == ["a.png", "x.png"]


def test_more_than_a_page_stays_when_one_is_added(page: Page, shop: Shop) -> None:
    for number in range(61):
        shop.orphan(f"{number}.png")
    open_product(page, None, 60)
    page.get_by_role("button", name="More").click()
    expect(page.locator(".tile")).to_have_count(61)
    lists = Held(page, "GET", LIST)
    choose(page)
    lists.reach()
    lists.answer()
    lists.come()  # the second page of them
    expect(page.locator(".tile")).to_have_count(62)
    lists.let_go()
    expect(page.locator("#count")).to_have_text("62 pictures")
    expect(page.locator(".tile")).to_have_count(62)
