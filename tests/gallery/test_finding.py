"""Products by what they are called: found as one types, shown by name, named."""

import pytest
from playwright.sync_api import Page, expect

from tests.gallery.conftest import Shop, open_product
from tests.gallery.test_looking import violations


def name(shop: Shop, product: int, **said: str) -> None:
    shop.client.put(f"/products/{product}", json=said).raise_for_status()


def test_products_are_found_as_one_types(page: Page, shop: Shop, product: int) -> None:
    name(shop, product, name="Zapato rojo", key="SKU-12")
    name(shop, product + 500_000, key="only-a-key")
    shop.add(product + 600_000, "IMG_2034.png", alt="Vista lateral")
    open_product(page, product, 0)
    list_, find = page.locator("#products"), page.get_by_label("Find a product")
    entry = list_.get_by_role("link")
    for words, title in (("zapa", "Zapato rojo"), ("sku 12", "Zapato rojo"), ("ONLY", "only-a-key")):
        find.fill(words)
        expect(entry).to_have_count(1)
        expect(entry.locator("strong")).to_have_text(title)
    for words in ("img_2034", "lateral"):
        find.fill(words)
        expect(entry).to_have_count(1)
        expect(entry.locator("strong")).to_have_text(str(product + 600_000))
    find.fill("nothing is called so")
    expect(entry).to_have_count(0)
    expect(page.get_by_text("No product found.")).to_be_visible()
    assert violations(page) == []
    find.fill("")
    expect(entry).not_to_have_count(0)
    find.fill("zapato")
    expect(entry).to_have_count(1)
    entry.click()
    expect(page.get_by_role("heading", name="Zapato rojo", level=1)).to_be_visible()


@pytest.mark.parametrize("number", ["0", "007", "12a", "9223372036854775808"])
def test_a_number_that_is_none_is_not_opened(page: Page, product: int, number: str) -> None:
    open_product(page, product, 0)
    field = page.get_by_label("Product number")
    field.fill(number)
    field.press("Enter")
    said = field.evaluate("field => field.validationMessage")
    assert said == "Digits only, not starting with 0, at most 9223372036854775807"
    expect(page.get_by_role("heading", name=f"Product {product}")).to_be_visible()
    page.goto(f"/gallery#/products/{number}")
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()


def test_the_largest_number_is_opened(page: Page, product: int) -> None:
    open_product(page, product, 0)
    field = page.get_by_label("Product number")
    field.fill("9223372036854775807")
    field.press("Enter")
    expect(page.get_by_role("heading", name="Product 9223372036854775807")).to_be_visible()


def test_a_product_is_named(page: Page, shop: Shop, product: int) -> None:
    first, second = shop.add(product, "a.png"), shop.add(product, "b.png")
    name(shop, product + 1, key="taken")
    open_product(page, product, 2)
    expect(page.get_by_role("heading", name=f"Product {product}", level=1)).to_be_visible()
    page.get_by_role("button", name="Name", exact=True).click()
    dialog = page.get_by_role("dialog", name="Name of the product")
    dialog.get_by_label("Name", exact=True).fill("Taza")
    dialog.get_by_label("Key").fill("taken")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_have_text("Another product has this key.")
    assert violations(page) == []
    dialog.get_by_label("Key").fill("SKU 7")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Taza", level=1)).to_be_visible()
    expect(page.locator("#products strong", has_text="Taza")).to_be_visible()
    told = shop.client.get(f"/products/{product}", params={"fields": "id,name,key"}).json()
    assert told == {"id": product, "name": "Taza", "key": "SKU 7"}
    # The order may be changed straight after: the page knows the gallery's version by then.
    assert [image["id"] for image in shop.client.get(f"/products/{product}/images").json()] == [first, second]
    page.get_by_role("button", name="Name", exact=True).click()
    dialog.get_by_label("Name", exact=True).fill("")
    dialog.get_by_label("Key").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"Product {product}", level=1)).to_be_visible()
