"""Order, texts, replacements and deletions, and what happens if someone else changed the gallery first."""

import re

from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.browser import NewPage
from tests.gallery.conftest import Shop, corner, open_product, photo, shown
from tests.gallery.holding import put


def three(shop: Shop, product: int) -> list[int]:
    return [shop.add(product, f"{name}.png") for name in ("a", "b", "c")]


def centre(tile: Locator) -> tuple[float, float]:
    box = tile.locator(".picture").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page, tile: Locator, target: Locator) -> None:
    target.locator(".picture").hover(trial=True)  # both are at rest: the drop before this one is over
    tile.locator(".picture").hover()
    page.mouse.down()
    x, y = centre(target)
    page.mouse.move(x + 20, y, steps=8)
    page.mouse.move(x + 30, y, steps=2)
    page.mouse.up()


def test_a_picture_is_dragged(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    tiles = page.locator(".grid > .tile")
    with put(page):  # type: ignore[attr-defined]
        drag(page, tiles.nth(0), tiles.nth(2))
    assert shown(page) == ["b.png", "c.png", "a.png"] == shop.names(product)
    expect(tiles.nth(0).locator(".badge")).to_have_text("1 · Main")
    expect(page.locator(".pswp")).to_have_count(0)  # it was no click
    with put(page):  # type: ignore[attr-defined]
        drag(page, tiles.nth(2), tiles.nth(1))
    assert shop.names(product) == ["b.png", "a.png", "c.png"]


def test_a_picture_is_dragged_with_a_finger(new_page: NewPage, shop: Shop, product: int) -> None:
    three(shop, product)
    page = new_page(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    open_product(page, product, 3)
    tiles = page.locator(".grid > .tile")
    tiles.nth(0).scroll_into_view_if_needed()
    fingers = page.context.new_cdp_session(page)
    x, y = centre(tiles.nth(0))
    to_x, to_y = centre(tiles.nth(1))
    _touch(fingers, "touchStart", x, y)
    expect(page.locator(".sortable-chosen")).to_have_count(1)  # it has stayed for long enough
    with put(page):  # type: ignore[attr-defined]
        for step in range(1, 11):
            _touch(fingers, "touchMove", x + (to_x + 20 - x) * step / 10, y + (to_y - y) * step / 10)
        _touch(fingers, "touchEnd")
    assert shown(page) == ["b.png", "a.png", "c.png"] == shop.names(product)


def _touch(fingers: CDPSession, kind: str, x: float = 0, y: float = 0) -> None:
    points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
    fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_picture_is_moved_by_keyboard(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    heard = page.get_by_role("status")
    page.get_by_role("button", name="Move a.png, position 1").focus()
    page.keyboard.press("Space")
    expect(heard).to_contain_text("Picked up at position 1 of 3.")
    page.keyboard.press("ArrowRight")
    expect(heard).to_have_text("Position 2 of 3.")
    page.keyboard.press("End")
    expect(page.get_by_role("button", name="Move a.png, position 3")).to_be_focused()
    assert shop.names(product) == ["a.png", "b.png", "c.png"]  # it is not put down yet
    with put(page):  # type: ignore[attr-defined]
        page.keyboard.press("Space")
    expect(heard).to_have_text("Dropped at position 3.")
    assert shown(page) == ["b.png", "c.png", "a.png"] == shop.names(product)
    page.keyboard.press("Space")
    page.keyboard.press("Home")
    page.keyboard.press("Escape")
    expect(heard).to_have_text("Move cancelled.")
    assert shown(page) == ["b.png", "c.png", "a.png"] == shop.names(product)
    page.get_by_role("button", name="Details of a.png").click()
    page.get_by_label("Position of 3").fill("2")
    with put(page):  # type: ignore[attr-defined]
        page.get_by_role("button", name="Move", exact=True).click()
    expect(corner(page).get_by_text("Moved to position 2.")).to_be_visible()
    assert shown(page) == ["b.png", "a.png", "c.png"] == shop.names(product)


def test_a_move_without_a_line_is_undone_and_offered_again(page: Page, shop: Shop, product: int) -> None:
    three(shop, product)
    open_product(page, product, 3)
    tiles = page.locator(".grid > .tile")
    page.context.set_offline(True)
    drag(page, tiles.nth(0), tiles.nth(1))
    message = corner(page).locator(".toast", has_text="Connection lost. The move was undone.")
    expect(message).to_be_visible()
    assert shown(page) == ["a.png", "b.png", "c.png"] == shop.names(product)
    page.context.set_offline(False)
    with put(page):  # type: ignore[attr-defined]
        message.get_by_role("button", name="Move again").click()
    expect(tiles.locator(".name")).to_have_text(["b.png", "a.png", "c.png"])
    assert shop.names(product) == ["b.png", "a.png", "c.png"]


def test_alt_text_is_edited(page: Page, shop: Shop, product: int) -> None:
    plain = shop.add(product, "plain.png")
    tongues = shop.add(product, "tongues.png", alt={"es": "Una taza", "pt": "Uma xícara"})
    open_product(page, product, 2)
    expect(page.locator(".tile .alt").first).to_have_text("No alt text")
    page.get_by_role("button", name="Details of plain.png").click()
    page.get_by_label("Alt text").fill('A cup, "red" & <round>')
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt").first).to_have_text('A cup, "red" & <round>')
    assert shop.image(plain)["alt"] == 'A cup, "red" & <round>'
    page.get_by_role("button", name='Details of A cup, "red" & <round>').click()
    page.get_by_label("Alt text").fill("Closed by mistake")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Continue editing").click()
    expect(page.get_by_label("Alt text")).to_have_value("Closed by mistake")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt").first).to_have_text("Closed by mistake")
    page.get_by_role("button", name="Details of Una taza").click()
    page.get_by_label("Alt text (Portuguese)").fill("Um copo")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert shop.image(tongues)["alt"] == {"es": "Una taza", "pt": "Um copo"}


def test_a_picture_is_replaced(page: Page, shop: Shop, product: int) -> None:
    id = shop.add(product, "old.png")
    before = shop.image(id)
    open_product(page, product, 1)
    page.get_by_role("button", name="Details of old.png").click()
    expect(page.get_by_text("The old URL stops working.")).to_be_visible()
    page.get_by_label("File of the new picture").set_input_files(
        {"name": "bad.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    expect(page.get_by_role("alert")).to_contain_text(
        "Choose a picture in one of these formats: JPEG, PNG, GIF, WebP or AVIF."
    )
    page.get_by_label("File of the new picture").set_input_files(photo("rocket.jpg"))
    expect(page.get_by_role("dialog", name="rocket.jpg")).to_be_visible()
    expect(page.locator("#details .facts")).to_contain_text("640 × 427 pixels")
    after = shop.image(id)
    assert after["src"] != before["src"]
    expect(page.get_by_label("URL", exact=True)).to_have_value(str(after["src"]))
    page.keyboard.press("Escape")
    expect(page.locator(".tile .name")).to_have_text(["rocket.jpg"])


def test_a_move_does_not_undo_someone_elses(page: Page, shop: Shop, product: int) -> None:
    ids = three(shop, product)
    open_product(page, product, 3)
    shop.client.put(f"/products/{product}/images/{ids[2]}", json={"position": 1}).raise_for_status()
    tiles = page.locator(".grid > .tile")
    drag(page, tiles.nth(0), tiles.nth(1))
    expect(page.get_by_role("alert")).to_contain_text("Someone else changed these pictures.")
    assert shown(page) == ["a.png", "b.png", "c.png"]  # as it was seen
    assert shop.names(product) == ["c.png", "a.png", "b.png"]
    page.get_by_role("button", name="Show the latest version").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    assert shown(page) == ["c.png", "a.png", "b.png"]
    with put(page):  # type: ignore[attr-defined]
        drag(page, tiles.nth(0), tiles.nth(1))
    assert shop.names(product) == ["a.png", "c.png", "b.png"]


def test_a_text_does_not_undo_someone_elses(page: Page, shop: Shop, product: int) -> None:
    id = shop.add(product, "one.png")
    address = f"/products/{product}/images/{id}"
    open_product(page, product, 1)
    page.get_by_role("button", name="Details of one.png").click()
    page.get_by_label("Alt text").fill("Mine")
    shop.client.put(address, json={"alt": "Theirs"}).raise_for_status()
    page.get_by_role("button", name="Save").click()
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text("Your change wasn’t saved, so theirs isn’t lost")
    assert shop.image(id)["alt"] == "Theirs"
    page.get_by_role("button", name="Show the latest version").click()
    expect(alert).to_contain_text("The saved text is now “Theirs”.")
    expect(page.get_by_label("Alt text")).to_have_value("Mine")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".tile .alt")).to_have_text("Mine")
    assert shop.image(id)["alt"] == "Mine"
    page.get_by_role("button", name="Details of Mine").click()
    shop.client.delete(address).raise_for_status()
    page.get_by_label("Alt text").fill("Too late")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Show the latest version").click()
    expect(corner(page).get_by_text("Someone else deleted this picture.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("heading", name=re.compile("No pictures yet"))).to_be_visible()
