"""The page at /docs in a browser: how it looks, by keyboard, and calls tried from it."""

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser import NewPage
from tests.conftest import PHOTOS
from tests.processes import Server
from tests.site.conftest import LOOKS, is_too_wide, violations

MOST_BYTES = 60_000  # of all that the page needs, compressed: a third of a second at 1.6 Mbit/s


def operation(page: Page, id: str) -> Locator:
    return page.locator(f"article#{id}")


def open_trial(page: Page, id: str) -> Locator:
    operation(page, id).get_by_role("button", name="Try it").click()
    return operation(page, id).locator("form")


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_anybody_can_read_it(new_page: NewPage, width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto("/docs")
    open_trial(page, "create_image")
    for folded in page.locator("details:not([open])").all()[:5]:
        folded.evaluate("details => { details.open = true; }")
    if (width == 1440) == (scheme == "light"):  # axe takes long for this page, and two views have it all
        assert violations(page) == []
    assert not is_too_wide(page)
    page.set_viewport_size({"width": 320, "height": 800})
    assert not is_too_wide(page)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")


def test_it_is_light_and_its_files_are_kept(page: Page) -> None:
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    page.on("response", keep)
    page.goto("/docs")
    page.wait_for_load_state("networkidle")
    assert sum(int(each.headers["content-length"]) for each in answers) < MOST_BYTES
    assert {each.headers["content-encoding"] for each in answers if each.url.endswith(("docs", ".css"))} <= {
        "br",
        "gzip",
    }
    kept = [each.url for each in answers if "immutable" in each.headers.get("cache-control", "")]
    assert [each for each in answers if "/docs/static/" in each.url and each.url not in kept] == []


def test_without_scripts_it_is_all_there(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/docs#create_image")
    expect(operation(page, "create_image").get_by_text("curl -H")).to_be_visible()
    expect(page.get_by_role("button", name="Try it")).to_have_count(0)


def test_samples_are_shown_in_one_language_all_over(page: Page) -> None:
    page.goto("/docs")
    operation(page, "list_images").get_by_role("button", name="Python").click()
    other = operation(page, "create_image")
    expect(other.get_by_text("import httpx")).to_be_visible()
    expect(other.get_by_text("curl -H")).to_be_hidden()
    expect(other.get_by_role("button", name="Python")).to_have_attribute("aria-pressed", "true")


def test_a_sample_is_copied(new_page: NewPage) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto("/docs")
    operation(page, "get_store").get_by_role("button", name="Copy").click()
    expect(operation(page, "get_store").get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl -H")


def test_a_link_opens_what_is_folded(page: Page) -> None:
    page.goto("/docs")
    operation(page, "create_image").get_by_role("link", name="ImageBody").first.click()
    expect(page.locator("#schema-ImageBody").get_by_text("thumbhash")).to_be_visible()


def test_by_keyboard_a_call_is_tried(page: Page, server: Server) -> None:
    page.goto("/docs")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.get_by_label("Token for Try it").fill(server.token)
    operation(page, "get_store").get_by_role("button", name="Try it").focus()
    page.keyboard.press("Enter")
    form = operation(page, "get_store").locator("form")
    expect(form.get_by_role("button", name="Send GET")).to_be_focused()
    page.keyboard.press("Enter")
    expect(form.get_by_text("200 OK")).to_be_visible()
    expect(form.get_by_text('"scope": "write"')).to_be_visible()
    expect(form.get_by_text("content-type: application/json")).to_be_visible()


def test_a_file_is_sent_and_a_picture_is_shown(page: Page, server: Server) -> None:
    page.goto("/docs")
    page.get_by_label("Token for Try it").fill(server.token)
    form = open_trial(page, "create_image")
    form.get_by_label("product_id (path)").fill("77")
    form.get_by_label("Body").select_option("multipart/form-data")
    form.get_by_label("file", exact=True).set_input_files(PHOTOS / "rocket.jpg")
    form.get_by_label("alt", exact=True).fill("A rocket")
    form.get_by_role("button", name="Send POST").click()
    expect(form.get_by_text("201 Created")).to_be_visible()
    with server.client(server.token) as client:
        [image] = client.get("/products/77/images", params={"fields": "id,alt"}).json()
    assert image["alt"] == "A rocket"
    form = open_trial(page, "get_original")
    form.get_by_label("id (path)").fill(str(image["id"]))
    form.get_by_role("button", name="Send GET").click()
    expect(form.get_by_role("img")).to_have_js_property("naturalWidth", 640)


def test_json_is_sent_as_it_is_edited(page: Page, server: Server) -> None:
    page.goto("/docs")
    page.get_by_label("Token for Try it").fill(server.token)
    form = open_trial(page, "create_upload_ticket")
    form.get_by_label("application/json").fill('{"files": "many"}')
    form.get_by_role("button", name="Send POST").click()
    expect(form.get_by_text("422 Unprocessable")).to_be_visible()
