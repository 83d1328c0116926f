"""Every text exists in every language, and the page uses the user's language."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from image_service.site.files import STATIC
from tests.browser import NewPage
from tests.gallery.conftest import STORE, TOKEN, Shop, open_product, photo, sign_in

GALLERY = STATIC / "gallery"
LANGUAGES = ("en", "es", "id", "pt")

Texts = dict[str, str | dict[str, str]]


def texts(language: str) -> Texts:
    read: Texts = json.loads((GALLERY / "languages" / f"{language}.json").read_text())
    return read


def forms(text: str | dict[str, str]) -> Iterator[str]:
    yield from [text] if isinstance(text, str) else text.values()


def used() -> set[str]:
    """The keys that the page asks for."""
    html = (GALLERY / "gallery.html").read_text()
    found = set(re.findall(r'data-(?:text|label|title|placeholder)="([^"]+)"', html))
    for path in (GALLERY / "js").glob("*.js"):
        for call in re.findall(r"\btext\(([^;]+)", path.read_text()):
            found |= set(re.findall(r'"([a-z_]+\.[a-z_]+)"', call))
    return found


def test_there_is_a_file_for_each_language() -> None:
    assert {path.name for path in (GALLERY / "languages").iterdir()} == {f"{each}.json" for each in LANGUAGES}
    choices = re.findall(r'<option value="(\w+)"', (GALLERY / "gallery.html").read_text())
    assert set(choices) == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_is_missing(language: str) -> None:
    english, own = texts("en"), texts(language)
    assert own.keys() == used()
    for key, text in own.items():
        places = {place for form in forms(english[key]) for place in re.findall(r"\{\w+\}", form)}
        assert isinstance(text, dict) == isinstance(english[key], dict), key
        assert not isinstance(text, dict) or text.keys() == ({"other"} if language == "id" else {"one", "other"}), key
        for form in forms(text):
            assert form.strip(), key
            assert set(re.findall(r"\{\w+\}", form)) == places, key


@pytest.mark.parametrize("language", ["es", "id", "pt"])
def test_sentences_are_translated(language: str) -> None:
    english, own = texts("en"), texts(language)
    same = [key for key, text in english.items() if text == own[key]]
    sentences = {key for key in same if len(re.findall(r"[a-z]{2,}", re.sub(r"\{\w+\}", "", str(english[key])))) > 2}
    assert sentences == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_browsers_language_is_spoken(new_page: NewPage, shop: Shop, product: int, language: str) -> None:
    shop.add_photo(product)
    page = new_page(locale=language)
    page.goto(f"/gallery#/products/{product}")
    own = texts(language)
    page.get_by_label(str(own["signin.store"])).fill("7")
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.get_by_label(str(own["signin.token"])).fill("wrong-but-long-enough")
    page.get_by_role("button", name=str(own["signin.button"])).click()
    expect(page.get_by_role("alert")).to_have_text(str(own["signin.wrong"]))
    expect(page.locator("[data-text]:empty, [data-label=''], [data-title='']")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_phone_is_wide_enough_for_each_language(new_page: NewPage, shop: Shop, product: int, language: str) -> None:
    for name in ("a.png", "b.png"):
        shop.add(product, name)
    page = new_page(locale=language, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page.goto(f"/gallery#/products/{product}")
    _sign_in(page, texts(language))
    expect(page.locator(".tile")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.locator(".tile .edit").first.tap()
    assert page.locator("#details").evaluate("dialog => dialog.scrollWidth") <= 360


def test_another_language_is_chosen_and_kept(page: Page, shop: Shop, product: int) -> None:
    shop.add_photo(product)
    open_product(page, product, 1)
    page.get_by_label("Pictures to add").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    page.get_by_role("banner").get_by_label("Language").select_option("es")
    expect(page.get_by_role("button", name="Añadir imágenes")).to_be_visible()
    expect(page.get_by_role("heading", name=f"Producto {product}")).to_be_visible()
    expect(page.get_by_role("button", name="Detalles de rocket.jpg")).to_be_visible()
    expect(page.get_by_role("heading", name="1 imagen no se añadió")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Añadir imágenes")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    page.get_by_role("button", name="Detalles de rocket.jpg").click()
    expect(page.locator("#details .facts")).to_contain_text("112.525 bytes")


def test_the_page_keeps_its_language_until_the_texts_of_the_next_are_there(page: Page, product: int) -> None:
    held: list[Route] = []
    page.route("**/languages/es.json*", lambda route: held.append(route))  # noqa: PLW0108 - it takes no builtin
    open_product(page, product, 0)
    with page.expect_request("**/languages/es.json*"):
        page.get_by_role("banner").get_by_label("Language").select_option("es")
    page.get_by_label("Pictures to add").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    expect(page.get_by_role("listitem").filter(has_text="a.txt")).to_contain_text("GIF, WebP or AVIF.")
    held[0].continue_()
    expect(page.get_by_role("heading", name="1 imagen no se añadió")).to_be_visible()


def test_a_language_without_a_translation_is_english(new_page: NewPage) -> None:
    page = new_page(locale="fi")
    page.goto("/gallery")
    expect(page.get_by_role("heading", name="Sign in to your store")).to_be_visible()


def test_dates_are_written_as_the_reader_writes_them(new_page: NewPage, shop: Shop, product: int) -> None:
    shop.add(product, "rocket.jpg", photo("rocket.jpg").read_bytes())
    seen = {}
    for tag in ("en-GB", "en-US", "pt-BR"):
        page = new_page(locale=tag)
        page.goto(f"/gallery#/products/{product}")
        _sign_in(page, texts(tag.split("-")[0]))
        page.locator(".tile .edit").click()
        seen[tag] = page.locator("#details .facts").inner_text()
    assert len(set(seen.values())) == 3
    assert re.search(r"\d de \w+\.? de 20\d\d", seen["pt-BR"])


def _sign_in(page: Page, own: Texts) -> None:
    page.get_by_label(str(own["signin.store"])).fill(STORE)
    page.get_by_label(str(own["signin.token"])).fill(TOKEN)
    page.get_by_role("button", name=str(own["signin.button"])).click()


def test_the_language_can_be_chosen_before_signing_in(page: Page, shop: Shop) -> None:
    page.goto("/gallery")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Language").select_option("id")
    expect(dialog.get_by_role("heading", name="Masuk ke toko Anda")).to_be_visible()
    dialog.get_by_label("Bahasa").select_option("en")
    sign_in(page)
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()
