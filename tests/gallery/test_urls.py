"""Pictures from a URL: their tiles are there at once, say how far they are, and become the picture or say why not."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.conftest import PHOTOS
from tests.gallery.conftest import STORE, TOKEN, Shop, corner, open_product, photo
from tests.hosting import Files, hosted
from tests.processes import Server


@dataclass
class Host:
    """Another server. `/PATH/NAME` is a picture once `goes_on` is set; 503 comes as often as `faults` says."""

    url: str = ""
    goes_on: threading.Event = field(default_factory=threading.Event)
    faults: int = 0

    def answer(self, path: str) -> tuple[int, bytes]:
        if path.startswith("/missing/"):
            return 404, b""
        if path.startswith("/text/"):
            return 200, b"No picture, but some words about one."
        if self.faults:
            self.faults -= 1
            return 503, b""
        self.goes_on.wait()
        return 200, photo("rocket.jpg").read_bytes()


@pytest.fixture
def host() -> Iterator[Host]:
    host = Host()

    class Handler(Files):
        def do_GET(self) -> None:
            status, body = host.answer(self.path)
            self.answer(status, body, {"Content-Type": "application/octet-stream"})

    with hosted(PHOTOS, Handler) as host.url:
        yield host
        host.goes_on.set()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One that gives up after seconds."""
    server = Server(
        tmp_path_factory.mktemp("urls"),
        BOOTSTRAP_STORE=STORE,
        BOOTSTRAP_TOKEN=TOKEN,
        FETCH_ALLOW_PRIVATE="true",
        JOB_RETRY_SECONDS="3",
    )
    try:
        with server.ready().client(TOKEN) as client:
            yield Shop(server, client)
    finally:
        server.end()


def add(page: Page, url: str) -> None:
    page.get_by_role("button", name="From a URL").click()
    page.get_by_label("Picture URL").fill(url)
    page.keyboard.press("Enter")


def arriving(page: Page) -> Locator:
    return page.get_by_role("list", name="Pictures on their way").get_by_role("listitem")


def pictures(page: Page) -> Locator:
    return page.locator(".tile .name")


def test_its_tile_is_there_until_the_picture_is(page: Page, shop: Shop, product: int, host: Host) -> None:
    shop.add(product, "first.png")
    open_product(page, product, 1)
    with page.expect_response(f"**/products/{product}/images?fields=all") as answered:
        add(page, f"{host.url}/slow/rocket%20one.jpg")
    assert answered.value.status == 202
    expect(arriving(page)).to_contain_text(["rocket one.jpg"])
    expect(arriving(page)).to_contain_text(["The service is downloading it"])
    expect(page.get_by_role("progressbar", name="rocket one.jpg")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    host.goes_on.set()
    expect(pictures(page)).to_have_text(["first.png", "rocket one.jpg"])
    expect(arriving(page)).to_have_count(0)
    expect(corner(page).get_by_text("1 picture added.")).to_be_visible()
    expect(page.get_by_role("link", name=f"{product} 2 pictures")).to_be_visible()


def test_it_is_still_there_after_leaving_and_a_reload(page: Page, shop: Shop, product: int, host: Host) -> None:
    open_product(page, product, 0)
    add(page, f"{host.url}/slow/rocket.jpg")
    expect(arriving(page)).to_contain_text(["The service is downloading it"])
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_hidden()
    page.goto(f"/gallery#/products/{product}999")
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    expect(arriving(page)).to_have_count(0)
    page.go_back()
    expect(arriving(page)).to_contain_text(["The service is downloading it"])
    page.reload()
    expect(arriving(page)).to_contain_text(["The service is downloading it"])
    host.goes_on.set()
    expect(pictures(page)).to_have_text(["rocket.jpg"])
    expect(arriving(page)).to_have_count(0)
    assert shop.names(product) == ["rocket.jpg"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [("missing", "There is nothing at this URL."), ("text", "This file can’t be used. Choose a picture in one of")],
)
def test_one_that_is_none_says_why(page: Page, product: int, host: Host, path: str, reason: str) -> None:
    open_product(page, product, 0)
    add(page, f"{host.url}/{path}/a.jpg")
    expect(arriving(page)).to_contain_text([reason])
    expect(page.get_by_role("button", name="Try again a.jpg")).to_have_count(0)
    assert Axe().run(page).response["violations"] == []
    page.get_by_role("button", name="Remove a.jpg").click()
    expect(arriving(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="No pictures yet")).to_be_visible()
    expect(arriving(page)).to_have_count(0)


def test_a_host_that_is_asked_again(page: Page, product: int, host: Host) -> None:
    host.faults = 1
    open_product(page, product, 0)
    add(page, f"{host.url}/slow/rocket.jpg")
    expect(arriving(page)).to_contain_text(["Trying again. The server at this URL has a problem (error 503)."])
    host.goes_on.set()
    expect(pictures(page)).to_have_text(["rocket.jpg"])


def test_what_has_failed_is_tried_again_by_hand(page: Page, product: int, host: Host) -> None:
    host.faults = 1000
    open_product(page, product, 0)
    add(page, f"{host.url}/slow/rocket.jpg")
    again = page.get_by_role("button", name="Try again rocket.jpg")
    expect(again).to_be_visible()
    expect(arriving(page)).to_contain_text(["The server at this URL has a problem (error 503)."])
    host.faults = 0
    host.goes_on.set()
    again.click()
    expect(pictures(page)).to_have_text(["rocket.jpg"])
    expect(arriving(page)).to_have_count(0)


def test_an_answer_with_the_image_itself(page: Page, shop: Shop, product: int) -> None:
    """A picture of the store's own is there at once."""
    src = str(shop.image(shop.add(product, "first.png"))["src"])
    open_product(page, product, 1)
    with page.expect_response(f"**/products/{product}/images?fields=all") as answered:
        add(page, src)
    assert answered.value.status == 201
    expect(pictures(page)).to_have_count(2)
    expect(arriving(page)).to_have_count(0)


def test_a_page_that_is_hidden_does_not_ask(page: Page, product: int, host: Host) -> None:
    page.clock.install()
    open_product(page, product, 0)
    add(page, f"{host.url}/slow/rocket.jpg")
    expect(arriving(page)).to_contain_text(["The service is downloading it"])
    with page.expect_request("**/jobs/*"):
        page.clock.fast_forward(5000)
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    with page.expect_response("**/jobs/*"):
        page.clock.fast_forward(5000)
    page.evaluate(hide, True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/jobs/" in request.url else None)
    for _ in range(5):
        page.clock.fast_forward(5000)
    assert asked == []
    host.goes_on.set()
    page.evaluate(hide, False)
    expect(pictures(page)).to_have_text(["rocket.jpg"])
    assert asked
