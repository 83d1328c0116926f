"""Changes that meet: while one is under way pictures arrive, another is asked for, or something else is opened."""

from playwright.sync_api import Page, Route, expect

from tests.gallery.conftest import Shop, corner, open_product, shown
from tests.gallery.holding import Held, listed, move, open_other, put
from tests.gallery.test_arranging import centre
from tests.gallery.test_deleting import deleted
from tests.shop import png

UPLOAD = r"/images\?fields=all$"
CHANGE = r"/images/\d+\?"
LIST = r"/images\?(assigned=false&)?fields=all&per_page"


def some(shop: Shop, product: int, letters: str) -> list[int]:
    return [shop.add(product, f"{letter}.png") for letter in letters]


def letters(page: Page) -> str:
    """Of the pictures, as they lie."""
    return "".join(name[0] for name in shown(page))


def saved(shop: Shop, product: int) -> str:
    return "".join(name[0] for name in shop.names(product))


def choose(page: Page) -> None:
    """A picture that is not there yet, nor a file: Playwright loses a file's bytes in held requests."""
    page.get_by_label("Pictures to add").set_input_files(
        {"name": "x.png", "mimeType": "image/png", "buffer": png("green")}
    )


def test_an_upload_under_way_refuses_no_change(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abc")
    page.clock.install()
    open_product(page, product, 3)
    uploads = Held(page, "POST", UPLOAD)
    page.get_by_role("button", name="Delete b.png").click()
    choose(page)
    uploads.reach()
    with put(page):  # type: ignore[attr-defined]
        move(page, 0, "ArrowRight")
    assert letters(page)[:2] == "ca"
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    with deleted(page):  # type: ignore[attr-defined]
        page.clock.fast_forward(10_500)
    uploads.let_go()
    expect(corner(page).get_by_text("1 picture added.")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert letters(page) == "cax" == saved(shop, product)


def test_a_change_is_tried_as_often_as_pictures_come_first(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abc")
    open_product(page, product, 3)
    late = iter("defghijk")

    def come_first(route: Route) -> None:
        if letter := next(late, None):
            shop.add(product, f"{letter}.png")
        route.continue_()

    page.route("**/images/*?fields=all", come_first)
    with put(page):  # type: ignore[attr-defined]
        move(page, 0, "ArrowRight")
    expect(page.locator(".tile .name")).to_have_text([f"{letter}.png" for letter in "bacdefghijk"])
    assert saved(shop, product) == "bacdefghijk"


def test_an_upload_waits_for_a_change(page: Page, shop: Shop, product: int) -> None:
    """It would have to catch up with each of many files otherwise."""
    some(shop, product, "ab")
    open_product(page, product, 2)
    seen: list[str] = []
    page.on("request", lambda asked: seen.append("upload sent") if asked.method == "POST" else None)
    page.on("response", lambda answer: seen.append("move made") if answer.request.method == "PUT" else None)
    moves = Held(page, "PUT", CHANGE)
    move(page, 0, "End")
    moves.come()
    choose(page)
    expect(page.get_by_role("heading", name="Uploading 1 of 1")).to_be_visible()
    page.evaluate("fetch('health/ready').then(answer => answer.text())")  # takes longer than preparing the file
    moves.let_go()
    expect(page.locator(".tile")).to_have_count(3)
    assert seen == ["move made", "upload sent"]


def test_an_upload_stays_though_an_older_list_comes_after_it(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "a")
    open_product(page, product, 1)
    lists = Held(page, "GET", LIST)
    page.reload()
    lists.reach()
    choose(page)
    expect(page.locator(".tile .name")).to_have_text("x.png")
    lists.answer()
    lists.come()  # the one after the upload
    assert letters(page) == "ax"


def test_the_notice_of_a_conflict_stays_until_it_is_answered(page: Page, shop: Shop, product: int) -> None:
    ids = some(shop, product, "abc")
    open_product(page, product, 3)
    uploads = Held(page, "POST", UPLOAD)
    choose(page)
    uploads.reach()
    shop.client.put(f"/products/{product}/images/{ids[2]}", json={"position": 1}).raise_for_status()
    move(page, 0, "End")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Someone else changed these pictures.")
    with listed(page):  # type: ignore[attr-defined]
        uploads.let_go()
    expect(page.locator(".tile .name").first).to_have_text("c.png")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Show the latest version").click()
    expect(notice).to_be_hidden()


def test_a_move_keeps_its_neighbours_while_a_deletion_is_under_way(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abcd")
    page.clock.install()
    open_product(page, product, 4)
    deletions = Held(page, "DELETE", CHANGE)
    page.get_by_role("button", name="Delete b.png").click()
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    page.clock.fast_forward(10_500)
    deletions.reach()
    move(page, 0, "ArrowRight")
    assert letters(page) == "cad"
    with put(page):  # type: ignore[attr-defined]
        deletions.let_go()
    assert letters(page) == "cad" == saved(shop, product)


def test_moves_keep_their_order_while_others_are_under_way(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abcd")
    open_product(page, product, 4)
    moves = Held(page, "PUT", CHANGE)
    move(page, 0, "End")
    moves.reach()
    page.get_by_role("button", name="Delete b.png").click()
    assert letters(page) == "cda"  # the deletion has not brought the old order back
    move(page, 0, "ArrowRight")
    with put(page), page.expect_response(lambda answer: '"position":3' in (answer.request.post_data or "")):  # type: ignore[attr-defined]
        moves.let_go()
    assert letters(page) == "dca"
    assert saved(shop, product) == "bdca"


def test_a_picture_that_is_held_stays_where_it_is(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abcd")
    open_product(page, product, 4)
    uploads = Held(page, "POST", UPLOAD)
    choose(page)
    uploads.reach()
    page.locator(".tile .move").first.focus()
    for key in ("Space", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    with listed(page):  # type: ignore[attr-defined]
        uploads.let_go()
    expect(corner(page).get_by_text("1 picture added.")).to_be_visible()
    assert letters(page)[:4] == "bcad"
    with put(page):  # type: ignore[attr-defined]
        page.keyboard.press("Space")
    assert letters(page) == "bcadx" == saved(shop, product)


def test_a_picture_that_is_dragged_stays_in_the_hand(page: Page, shop: Shop, product: int) -> None:
    """Even if it changes meanwhile: its new tile comes when it is put down."""
    some(shop, product, "abc")
    page.set_viewport_size({"width": 1300, "height": 800})
    open_product(page, product, 3)
    texts = Held(page, "PUT", CHANGE)
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("Alt text").fill("Text")
    page.get_by_role("button", name="Save").click()
    page.keyboard.press("Escape")
    tiles = page.locator(".grid > .tile")
    x, y = centre(tiles.nth(2))
    tiles.nth(0).locator(".picture").hover()
    page.mouse.down()
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.move(x + 30, y, steps=2)
    expect(tiles.locator(".name").nth(1)).to_have_text("c.png")
    texts.let_go()
    expect(corner(page).get_by_text("Alt text saved.")).to_be_visible()
    with put(page):  # type: ignore[attr-defined]
        page.mouse.up()
    expect(tiles.locator(".alt")).to_have_text(["No alt text", "No alt text", "Text"])
    assert letters(page) == "bca" == saved(shop, product)


def test_a_picture_that_is_held_is_let_go_when_something_else_is_opened(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abc")
    open_product(page, product, 3)
    page.locator(".tile .move").first.focus()
    for key in ("Space", "ArrowRight"):
        page.keyboard.press(key)
    page.evaluate("location.hash = '#/'")
    expect(page.get_by_role("heading", name="Choose a product")).to_be_visible()
    page.go_back()
    expect(page.locator(".tile")).to_have_count(3)
    assert letters(page) == "abc" == saved(shop, product)


def test_there_and_back_the_change_under_way_is_seen(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "abc")
    open_product(page, product, 3)
    deletions = Held(page, "DELETE", CHANGE)
    page.get_by_role("button", name="Delete b.png").click()
    open_other(page, product + 500_000)
    deletions.come()
    page.go_back()
    expect(page.locator(".tile")).to_have_count(2)
    with deleted(page):  # type: ignore[attr-defined]
        deletions.let_go()
    with put(page):  # type: ignore[attr-defined]
        move(page, 0, "ArrowRight")
    assert letters(page) == "ca" == saved(shop, product)


def test_a_replacement_does_not_refuse_the_deletion_after_it(page: Page, shop: Shop, product: int) -> None:
    some(shop, product, "ab")
    page.clock.install()
    open_product(page, product, 2)
    replacements = Held(page, "PUT", CHANGE)
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("File of the new picture").set_input_files(
        {"name": "y.png", "mimeType": "image/png", "buffer": png("blue")}
    )
    replacements.reach()
    page.get_by_role("button", name="Delete picture").click()
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    page.clock.fast_forward(10_500)
    with deleted(page):  # type: ignore[attr-defined]
        replacements.let_go()
    assert letters(page) == "b" == saved(shop, product)


def test_a_move_that_is_refused_elsewhere_speaks_of_no_deletion(page: Page, shop: Shop, product: int) -> None:
    ids = some(shop, product, "abc")
    open_product(page, product, 3)
    shop.client.put(f"/products/{product}/images/{ids[2]}", json={"position": 1}).raise_for_status()
    moves = Held(page, "PUT", CHANGE)
    move(page, 0, "End")
    moves.come()
    open_other(page, product + 500_000)
    moves.let_go()
    expect(corner(page).locator(".toast")).to_have_text("Someone else changed these pictures.")


def test_a_deletion_that_was_made_is_not_called_lost(page: Page, shop: Shop, product: int) -> None:
    """If only the load after it failed."""
    some(shop, product, "abc")
    page.clock.install()
    open_product(page, product, 3)
    page.get_by_role("button", name="Delete b.png").click()
    page.mouse.move(5, 5)  # a message stays while the mouse is on it
    page.route("**/images?fields=all&*", lambda route: route.fulfill(status=500, body="{}"))
    with page.expect_response("**/products?*"):  # the list of products is loaded after a deletion that was made
        page.clock.fast_forward(10_500)
    expect(corner(page).locator(".toast")).to_have_count(0)
    assert letters(page) == "ac" == saved(shop, product)
