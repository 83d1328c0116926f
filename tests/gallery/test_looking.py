"""What is seen, at which size, by whom: on a phone, in the dark, by a screen reader."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, expect

from tests.browser import NewPage
from tests.gallery.conftest import STORE, Shop, open_product, photo, shown, sign_in

PHONE = {"width": 360, "height": 740}
COUNT_SHIFTS = """
  window.shifts = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => (window.shifts += entry.value)))
    .observe({type: "layout-shift", buffered: true});
"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong, and where."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def fill_with_photos(shop: Shop, product: int) -> None:
    shop.add_photo(product, "rocket.jpg", alt="A rocket before its start")
    for name in ("coffee-orientation-6.jpg", "transparent.png", "animated.gif"):
        shop.add_photo(product, name)


def wait_for_pictures(page: Page, count: int) -> None:
    expect(page.locator(".tile img.is-loaded")).to_have_count(count)


def test_a_phone_has_a_heading_below_the_list(new_page: NewPage, shop: Shop, product: int) -> None:
    shop.add_photo(product)
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto("/gallery")
    sign_in(page)
    entry = page.get_by_role("link", name=f"{product} 1 picture")
    expect(entry).to_be_visible()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("Choose a product")
    assert (heading.bounding_box() or {"y": 0})["y"] > (entry.bounding_box() or {"y": 9999})["y"]
    assert violations(page) == []
    entry.tap()
    expect(heading).to_have_text(f"Product {product}")
    expect(page.get_by_role("button", name="Name").locator(".icon")).to_be_visible()
    wait_for_pictures(page, 1)
    assert violations(page) == []


def test_nothing_moves_while_pictures_come(page: Page, shop: Shop, product: int) -> None:
    fill_with_photos(shop, product)
    page.add_init_script(COUNT_SHIFTS)
    held: list[Route] = []
    come = False
    page.route("**/stores/**", lambda route: route.continue_() if come else held.append(route))
    open_product(page, product, 4)
    placeholder = page.locator(".tile canvas").first
    expect(placeholder).to_be_visible()
    colours = "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    assert placeholder.evaluate(colours) > 20  # a picture, though a blurred one
    for img in page.locator(".tile img").all():
        assert int(img.get_attribute("width") or 0) > 0
        assert int(img.get_attribute("height") or 0) > 0
        assert "w," in str(img.get_attribute("srcset"))
    come = True
    for route in held:
        route.continue_()
    wait_for_pictures(page, 4)
    expect(placeholder).to_be_hidden()
    assert page.evaluate("window.shifts") == 0


def test_pictures_come_in_the_size_that_is_needed(new_page: NewPage, shop: Shop, product: int) -> None:
    shop.add_photo(product)  # wider than high: as high as the tile it is 248 pixels wide
    page = new_page(viewport=PHONE, device_scale_factor=1)
    open_product(page, product, 1)
    wait_for_pictures(page, 1)
    assert "-320-0.jpg" in page.locator(".tile img").evaluate("img => img.currentSrc")


def test_one_is_opened_large(new_page: NewPage, shop: Shop, product: int) -> None:
    fill_with_photos(shop, product)
    page = new_page(reduced_motion="reduce")  # while it is animated it takes no keys
    open_product(page, product, 4)
    page.get_by_role("button", name="View A rocket before its start").click()
    large = page.get_by_role("dialog", name="Full-size picture")
    expect(large).to_be_visible()
    expect(large.get_by_text("A rocket before its start")).to_be_visible()
    expect(large.get_by_text("1 / 4")).to_be_visible()
    expect(page.locator(".pswp--ui-visible")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(large.get_by_text("2 / 4")).to_be_visible()
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    expect(page.get_by_role("button", name="View A rocket before its start")).to_be_focused()


def test_what_can_be_done_with_one_that_is_large(new_page: NewPage, shop: Shop, product: int) -> None:
    id = shop.add_photo(product, alt="A rocket")
    page = new_page(reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"])
    open_product(page, product, 1)
    large = page.get_by_role("dialog", name="Full-size picture")
    page.get_by_role("button", name="View A rocket").click()
    expect(page.locator(".pswp--ui-visible")).to_be_visible()
    large.get_by_role("button", name="Copy URL").click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == shop.image(id)["src"]
    with page.expect_download() as download:
        large.get_by_role("button", name="Download original").click()
    assert download.value.path().read_bytes() == photo("rocket.jpg").read_bytes()
    large.get_by_role("button", name="Edit alt text").click()
    expect(page.get_by_label("Alt text")).to_be_focused()
    page.get_by_label("Alt text").fill("A rocket at night")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="View A rocket at night").click()
    expect(page.locator(".pswp--ui-visible")).to_be_visible()
    large.get_by_role("button", name="Details").click()
    expect(page.get_by_role("dialog", name="rocket.jpg")).to_be_visible()


def test_what_is_known_of_a_picture_can_be_copied(new_page: NewPage, shop: Shop, product: int) -> None:
    image = shop.image(shop.add_photo(product, alt='A "rocket"'))
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    open_product(page, product, 1)
    page.get_by_role("button", name='Details of A "rocket"').click()
    facts = page.locator("#details .facts")
    for fact in ("640 × 427 pixels", "JPEG", "112,525 bytes", "Uploaded", str(image["sha256"])):
        expect(facts).to_contain_text(fact)
    copies = page.get_by_role("button", name="Copy")
    copies.first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == image["src"]
    copies.last.click()
    expect(page.get_by_role("status")).to_contain_text("Copied")
    tag = page.evaluate("navigator.clipboard.readText()")
    made = page.evaluate(
        """html => {
      const img = new DOMParser().parseFromString(html, 'text/html').querySelector('img');
      return Object.fromEntries(img.getAttributeNames().map(name => [name, img.getAttribute(name)]));
    }""",
        tag,
    )
    own = [each for each in image["variants"] if each["format"] == "jpg"]  # type: ignore[attr-defined]
    widths = {int(part.split()[1].removesuffix("w")): part.split()[0] for part in made["srcset"].split(", ")}
    assert widths.keys() == {each["width"] for each in own}
    assert set(widths.values()) <= {each["url"] for each in own}
    assert (made["src"], made["width"], made["height"], made["alt"]) == (image["src"], "640", "427", 'A "rocket"')


@pytest.fixture(scope="module")
def much(shop: Shop) -> int:
    """60 products, 65 pictures on none, and a product with 60."""
    product = 500
    with ThreadPoolExecutor(8) as pool:
        for number in range(65):
            pool.submit(shop.orphan, f"{number}.png")
            if number < 60:
                pool.submit(shop.add, product, f"{number}.png")
            if number < 59:
                pool.submit(shop.add, number + 1)
    return product


def test_many_products_and_pictures(new_page: NewPage, shop: Shop, much: int) -> None:
    page = new_page(viewport=PHONE)
    loaded: set[str] = set()
    page.on("request", lambda request: loaded.add(request.url) if "/stores/" in request.url else None)
    open_product(page, much, 60)
    wait_for_last = page.locator(".tile").last
    expect(page.locator(".tile img.is-loaded").first).to_be_visible()
    assert len(loaded) < 50  # not those far below
    wait_for_last.scroll_into_view_if_needed()
    expect(wait_for_last.locator("img")).to_have_class("is-loaded")
    page.get_by_role("link", name="Products").click()
    entries = page.locator("#products .entry")
    expect(entries).to_have_count(50)
    page.get_by_role("button", name="Show more products").click()
    expect(entries.nth(59)).to_be_attached()
    expect(page.get_by_role("button", name="Show more products")).to_be_hidden()
    page.get_by_role("link", name="Unassigned").click()
    expect(page.locator(".tile")).to_have_count(60)
    page.get_by_role("button", name="Show more pictures").click()
    expect(page.locator(".tile")).to_have_count(65)
    expect(page.get_by_role("button", name="Show more pictures")).to_be_hidden()
    assert len(set(page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.id)"))) == 65


def test_a_phone_is_wide_enough(new_page: NewPage, shop: Shop, product: int) -> None:
    fill_with_photos(shop, product)
    page = new_page(viewport=PHONE, has_touch=True, is_mobile=True)
    width = "document.documentElement.scrollWidth"
    page.goto("/gallery")
    sign_in(page)
    expect(page.get_by_text(f"Store {STORE}")).to_be_visible()
    page.get_by_label("Product number").fill(str(product))
    page.get_by_role("button", name="Open", exact=True).tap()
    wait_for_pictures(page, 4)
    assert page.evaluate(width) == PHONE["width"]
    page.get_by_role("button", name="Details of transparent.png").tap()
    assert page.get_by_role("dialog").evaluate("dialog => dialog.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Close").tap()
    page.get_by_role("link", name="Products").tap()
    expect(page.get_by_role("heading", name="Products")).to_be_visible()
    assert page.evaluate(width) == PHONE["width"]


@pytest.mark.parametrize(
    "look",
    [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"color_scheme": "light", "viewport": PHONE}],
    ids=["light", "dark", "phone"],
)
def test_a_screen_reader_finds_its_way(new_page: NewPage, shop: Shop, product: int, look: dict[str, Any]) -> None:
    fill_with_photos(shop, product)
    page = new_page(reduced_motion="reduce", **look)
    page.goto("/")
    assert violations(page) == []
    page.goto(f"/gallery#/products/{product}")
    expect(page.get_by_label("Store ID")).to_be_focused()
    assert violations(page) == []
    sign_in(page)
    wait_for_pictures(page, 4)
    page.get_by_label("Pictures to add").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    expect(page.get_by_role("heading", name="1 picture not added")).to_be_visible()
    page.get_by_role("button", name="Delete animated.gif").click()
    assert violations(page) == []  # with a refusal, and a message
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("button", name="Close the upload list").click()
    page.get_by_role("button", name="Details of transparent.png").click()
    expect(page.get_by_role("dialog", name="transparent.png")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="View A rocket").click()
    expect(page.locator(".pswp--ui-visible")).to_be_visible()
    assert violations(page) == []


def test_the_way_from_the_landing_page(page: Page, shop: Shop, product: int) -> None:
    page.goto("/")
    page.get_by_role("link", name="Gallery").click()
    sign_in(page)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()
    page.get_by_label("Product number").fill(str(product))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=f"Product {product}")).to_be_focused()
    assert shown(page) == []
    page.get_by_role("link", name="image-service").click()
    page.get_by_role("link", name="API reference").click()
    expect(page).to_have_url(re.compile("/docs$"))
