"""The dialog of a product's name and key: it changes that product, and no other user's change is lost."""

import re

from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.gallery.conftest import Shop, open_product
from tests.gallery.holding import Held, put
from tests.gallery.test_dialogs import back, open_another
from tests.gallery.test_finding import name
from tests.gallery.test_looking import violations

NAMES = r"/products/\d+\?fields=id,name,key$"


def called(shop: Shop, product: int) -> dict[str, object]:
    """Its name and key."""
    found: dict[str, object] = shop.client.get(f"/products/{product}", params={"fields": "name,key"}).json()
    return found


def name_dialog(page: Page) -> Locator:
    """Opened, before the service has been asked."""
    page.get_by_role("button", name="Name", exact=True).click()
    return page.get_by_role("dialog", name="Name of the product")


def test_a_name_leaves_the_key_as_it_is(page: Page, shop: Shop, product: int) -> None:
    """It was given after the page was opened; and another one while the dialog was open."""
    shop.add(product)
    open_product(page, product, 1)
    name(shop, product, key=f"SKU {product}")
    dialog = name_dialog(page)
    expect(dialog.get_by_label("Key")).to_have_value(f"SKU {product}")
    dialog.get_by_label("Name", exact=True).fill("Boots")
    name(shop, product, key=f"SKU {product} b")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Boots", level=1)).to_be_visible()
    assert called(shop, product) == {"name": "Boots", "key": f"SKU {product} b"}


def test_nothing_is_named_before_it_is_known_what_it_is_called(page: Page, shop: Shop, product: int) -> None:
    shop.add(product)
    name(shop, product, key=f"SKU {product}")
    line = Held(page, "GET", NAMES)
    open_product(page, product, 1)
    dialog = name_dialog(page)
    expect(dialog).to_have_attribute("aria-busy", "true")
    for each in (dialog.get_by_label("Name", exact=True), dialog.get_by_label("Key"), dialog.get_by_text("Save")):
        expect(each).to_be_disabled()
    line.let_go()
    expect(dialog.get_by_label("Key")).to_have_value(f"SKU {product}")
    expect(dialog).not_to_have_attribute("aria-busy", "true")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()


def test_a_name_is_not_asked_for_again_where_the_question_failed(page: Page, shop: Shop, product: int) -> None:
    shop.add(product)
    name(shop, product, key=f"SKU {product}")
    page.route(re.compile(NAMES), lambda route: route.fulfill(status=500, body="{}"))
    open_product(page, product, 1)
    dialog = name_dialog(page)
    expect(dialog.get_by_role("alert")).to_contain_text("Something went wrong in the service (error 500).")
    expect(dialog.get_by_label("Name", exact=True)).to_be_disabled()
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    assert violations(page) == []
    page.unroute(re.compile(NAMES))
    dialog.get_by_role("button", name="Cancel").click()
    expect(name_dialog(page).get_by_label("Key")).to_have_value(f"SKU {product}")
    expect(dialog.get_by_role("alert")).to_be_hidden()


def test_a_name_does_not_undo_someone_elses(page: Page, shop: Shop, product: int) -> None:
    shop.add(product)
    open_product(page, product, 1)
    dialog = name_dialog(page)
    mine = dialog.get_by_label("Name", exact=True)
    mine.fill("Boots")
    name(shop, product, name="Shoes", key=f"SKU {product}")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text(
        "Someone else changed this product. Name: The saved text is now “Shoes”. "
        "Your text is still in the field: save it to replace theirs."
    )
    assert called(shop, product) == {"name": "Shoes", "key": f"SKU {product}"}
    expect(mine).to_have_value("Boots")
    expect(dialog.get_by_label("Key")).to_have_value(f"SKU {product}")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    assert called(shop, product) == {"name": "Boots", "key": f"SKU {product}"}


def test_a_name_is_saved_once_for_each_time_it_is_asked(page: Page, shop: Shop, product: int) -> None:
    """The dialog says that it waits; closing it gives up."""
    shop.add(product)
    page.clock.install()
    busy: list[Request] = []

    def refuse(route: Route) -> None:
        if route.request.method != "PUT":
            return route.fallback()
        busy.append(route.request)
        return route.fulfill(status=503, headers={"Retry-After": "20"}, body="{}")

    page.route(f"**/products/{product}", refuse)
    open_product(page, product, 1)
    dialog = name_dialog(page)
    dialog.get_by_label("Name", exact=True).fill("Boots")
    with page.expect_response(lambda answer: answer.status == 503):
        page.keyboard.press("Enter")
    expect(dialog).to_have_attribute("aria-busy", "true")
    expect(dialog.get_by_role("button", name="Save")).to_be_disabled()
    dialog.locator("form").evaluate("form => form.requestSubmit()")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    page.clock.fast_forward(60_000)
    assert page.evaluate("fetch('health/ready').then(answer => answer.ok)")  # later than a PUT would have been
    assert len(busy) == 1
    assert called(shop, product) == {}
    expect(name_dialog(page).get_by_label("Name", exact=True)).to_be_enabled()


def test_a_name_that_was_saved_before_it_was_given_up_is_shown(page: Page, shop: Shop, product: int) -> None:
    shop.add(product, "a.png")
    open_product(page, product, 1)
    Held(page, "PUT", rf"/products/{product}$")
    dialog = name_dialog(page)
    dialog.get_by_label("Name", exact=True).fill("Boots")
    page.keyboard.press("Enter")
    expect(dialog).to_have_attribute("aria-busy", "true")
    name(shop, product, name="Boots")  # as the service does with the call, whose answer does not come
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Boots", level=1)).to_be_visible()


def test_a_late_answer_leaves_the_dialog_of_another_product_alone(page: Page, shop: Shop, product: int) -> None:
    other = product + 700_000
    shop.add(product, "a.png")
    shop.add(other, "b.png")
    open_product(page, product, 1)
    line = Held(page, "PUT", rf"/products/{product}$")
    dialog = name_dialog(page)
    dialog.get_by_label("Name", exact=True).fill("Boots")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    open_another(page, other, "b.png")
    name_dialog(page).get_by_label("Name", exact=True).fill("Half typ")
    line.let_go()
    assert page.evaluate("fetch('health/ready').then(answer => answer.ok)")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Name", exact=True)).to_have_value("Half typ")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Half typ", level=1)).to_be_visible()
    assert called(shop, other) == {"name": "Half typ"}


def test_back_names_no_other_product(page: Page, shop: Shop, product: int) -> None:
    other = product + 700_000
    shop.add(product, "a.png")
    shop.add(other, "b.png")
    name(shop, other, key=f"SKU {other}")
    open_product(page, product, 1)
    open_another(page, other, "b.png")
    dialog = name_dialog(page)
    dialog.get_by_label("Name", exact=True).fill("Boots")
    back(page, "a.png")
    with put(page):  # type: ignore[attr-defined]
        dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name=f"Product {product}", level=1)).to_be_visible()
    assert called(shop, product) == {}
    assert called(shop, other) == {"name": "Boots", "key": f"SKU {other}"}


def test_a_product_that_does_not_exist_yet_is_named_after_no_one_else(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    dialog = name_dialog(page)
    dialog.get_by_label("Name", exact=True).fill("Boots")
    name(shop, product, name="Shoes")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The saved text is now “Shoes”.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Boots", level=1)).to_be_visible()
    assert called(shop, product) == {"name": "Boots"}
