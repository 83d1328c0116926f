"""What a tile shows, how many are in view, and what is seen while there are none yet."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser import NewPage
from tests.gallery.conftest import Shop, open_product, sign_in
from tests.gallery.test_arranging import centre, three

PHONE = {"width": 390, "height": 844}
SHARE = """tile => {
  const area = element => { const {width, height} = element.getBoundingClientRect(); return width * height; };
  return area(tile.querySelector('.picture img')) / area(tile);
}"""
IN_VIEW = """tiles => tiles.filter(tile => {
  const {top, bottom} = tile.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}).length"""


def test_four_tiles_are_in_view_on_a_phone(new_page: NewPage, shop: Shop, product: int) -> None:
    for number in range(8):
        shop.add(product, f"{number}.png")
    page = new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    open_product(page, product, 8)
    tiles = page.locator(".tile")
    assert tiles.evaluate_all(IN_VIEW) >= 4
    assert tiles.first.evaluate(SHARE) > 0.8
    expect(tiles.first.locator(".edit")).to_have_css("opacity", "1")
    expect(tiles.first.locator(".delete")).to_have_css("pointer-events", "none")  # it cannot be seen


def test_tools_come_with_a_mouse_or_the_focus(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    tools = page.locator(".tile").nth(1).locator(".delete")
    page.mouse.move(5, 5)
    expect(tools).to_have_css("opacity", "0")
    page.locator(".tile").nth(1).hover()
    expect(tools).to_have_css("opacity", "1")
    page.mouse.move(5, 5)
    expect(tools).to_have_css("opacity", "0")
    page.get_by_role("button", name="View b.png").focus()
    page.keyboard.press("Tab")
    expect(tools).to_have_css("opacity", "1")


def test_a_dot_tells_whether_there_is_an_alt_text(page: Page, shop: Shop, product: int) -> None:
    shop.add(product, "told.png", alt="A red square")
    shop.add(product, "untold.png")
    open_product(page, product, 2)
    expect(page.locator(".dot").nth(0)).to_have_attribute("title", "A red square")
    expect(page.locator(".dot").nth(1)).to_have_attribute("title", "No alt text")
    expect(page.locator(".dot.is-missing")).to_have_count(1)


def test_one_can_see_what_is_transparent(page: Page, shop: Shop, product: int) -> None:
    shop.add_photo(product, "transparent.png")
    shop.add_photo(product, "rocket.jpg")
    open_product(page, product, 2)
    see_through = page.locator(".picture.has-alpha")
    expect(see_through).to_have_count(1)
    expect(see_through).to_have_attribute("aria-label", "View transparent.png")
    expect(see_through).to_have_css("background-image", re.compile("conic-gradient"))
    expect(see_through.locator("canvas")).to_be_hidden()


def test_a_skeleton_stands_in_for_pictures(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    held: list[Route] = []

    come = False
    page.route("**/images?fields=all**", lambda route: route.continue_() if come else held.append(route))
    page.goto(f"/gallery#/products/{product}")
    sign_in(page)
    expect(page.locator("#skeleton")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Product {product}")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(0)
    come = True
    for route in held:
        route.continue_()
    expect(page.locator(".tile")).to_have_count(3)
    expect(page.locator("#skeleton")).to_be_hidden()


def test_numbers_follow_while_a_picture_is_dragged(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    tiles = page.locator(".grid > .tile")
    tiles.nth(0).locator(".picture").hover()
    x, y = centre(tiles.nth(2))
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.move(x + 30, y, steps=2)
    expect(tiles.locator(".badge")).to_have_text(["1 · Main", "2", "3"])
    expect(tiles.locator(".name")).to_have_text(["b.png", "c.png", "a.png"])
    expect(page.locator("body > .tile .badge")).to_have_text("3")  # of the one in the air
    page.mouse.up()
    expect(page.locator("body > .tile")).to_have_count(0)
