"""Who may work with the page, and what becomes of their token."""

from playwright.sync_api import Page, expect

from tests.browser import NewPage
from tests.gallery.conftest import STORE, TOKEN, Shop, corner, open_product, sign_in
from tests.processes import command
from tests.shop import png


def test_a_wrong_token_is_not_taken(page: Page) -> None:
    page.goto("/gallery")
    sign_in(page, token="some-other-token-of-someone")
    expect(page.get_by_role("alert")).to_contain_text("Wrong store ID or token")
    expect(page.get_by_role("dialog", name="Sign in to your store")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # the second time a browser closes a dialog even if it is told not to
    sign_in(page, token=TOKEN)
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()
    expect(page.get_by_role("banner").get_by_text(f"store {STORE}")).to_be_visible()  # its name


def test_the_token_stays_in_the_tab(page: Page, shop: Shop, product: int) -> None:
    shop.add(product)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_product(page, product, 1)
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.cookie") == ""
    assert not [url for url in asked if TOKEN in url]
    page.reload()
    expect(page.locator(".tile")).to_have_count(1)  # still signed in
    other = page.context.new_page()
    other.goto("/gallery")
    expect(other.get_by_label("Token")).to_be_visible()  # but this one is not
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0
    expect(page.locator(".tile")).to_have_count(0)


def test_a_token_that_is_revoked_in_mid_work(page: Page, shop: Shop, product: int) -> None:
    """What is shown stays, what was under way goes on with the new one."""
    token = command(shop.server.data.parent, "stores", "token", STORE, "--json").json["token"]
    newest = command(shop.server.data.parent, "stores", "tokens", STORE, "--json").json[-1]["id"]
    shop.add(product, "kept.png")
    page.goto(f"/gallery#/products/{product}")
    sign_in(page, token=token)
    page.get_by_role("button", name="Details of kept.png").click()
    page.get_by_label("Alt text").fill("Typed before it was revoked")
    assert command(shop.server.data.parent, "stores", "revoke", str(newest)).status == 0
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your token is no longer valid")).to_be_visible()
    expect(page.get_by_label("Store ID")).to_have_value(STORE)
    expect(page.locator(".tile")).to_have_count(1)
    sign_in(page)
    expect(page.locator(".tile .alt")).to_have_text("Typed before it was revoked")
    assert shop.image(_id(page))["alt"] == "Typed before it was revoked"


def test_a_token_that_may_only_read(page: Page, shop: Shop, product: int) -> None:
    """Everything can be seen, and nothing is offered that would be refused."""
    token = command(shop.server.data.parent, "stores", "token", STORE, "--read-only", "--json").json["token"]
    shop.add(product, "seen.png", alt="A square")
    shop.add(product, "other.png")
    page.goto(f"/gallery#/products/{product}")
    sign_in(page, token=token)
    expect(page.get_by_role("banner").get_by_text("Read-only")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(2)
    for name in ("Add pictures", "From a URL", "Delete A square", "Move A square, position 1"):
        expect(page.get_by_role("button", name=name)).to_be_hidden()
    details = page.get_by_role("button", name="Details of A square")
    assert details.locator("svg:visible use").get_attribute("href") == "#i-info"  # no pencil: nothing can be edited
    details.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".facts")).to_contain_text("A square")
    for name in ("Save", "Move", "Use this URL", "Choose a file…", "Delete picture"):
        expect(dialog.get_by_role("button", name=name)).to_be_hidden()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download original").click()
    assert download.value.suggested_filename == "seen.png"
    assert download.value.path().read_bytes() == png()
    page.keyboard.press("Escape")
    page.evaluate("""() => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "pasted.png"));
      document.body.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
    }""")
    expect(corner(page).get_by_text("Your token is read-only.")).to_be_visible()


def test_another_store_sees_nothing_of_the_first(page: Page, shop: Shop, product: int, new_page: NewPage) -> None:
    other = command(shop.server.data.parent, "stores", "add", "another", "--json").json
    shop.add(product)
    page.goto(f"/gallery#/products/{product}")
    sign_in(page, token=other["token"], store=str(other["store_id"]))
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    expect(page.get_by_text("No products yet.")).to_be_visible()


def _id(page: Page) -> int:
    return int(page.locator(".tile").get_attribute("data-id") or 0)
