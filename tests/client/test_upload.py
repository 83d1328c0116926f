"""`upload()` of /client.js: in a browser, on a page of another origin, with a real ticket and real files."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.client.conftest import PRODUCT, Shop
from tests.conftest import PHOTOS

UPLOAD = """async ([ticket, options]) => {
  const seen = [];
  const [file] = document.querySelector("input").files;
  try {
    const onProgress = part => seen.push(part);
    return {image: await client.upload(ticket, file, {...options, onProgress}), seen};
  } catch (error) {
    const {name, message, status, problem} = error;
    return {error: {name, message, status, problem, isOurs: error instanceof client.UploadError}, seen};
  }
}"""
# Gives up as soon as something is on its way.
GIVE_UP = """async ticket => {
  const stop = new AbortController();
  const [file] = document.querySelector("input").files;
  try {
    return await client.upload(ticket, file, {signal: stop.signal, onProgress: () => stop.abort()});
  } catch (error) {
    return error.name;
  }
}"""


def upload(page: Page, ticket: object, name: str = "rocket.jpg", data: bytes | None = None, **options: str) -> Any:
    held = (PHOTOS / name).read_bytes() if data is None else data
    page.set_input_files("input", {"name": name, "mimeType": "image/jpeg", "buffer": held})
    return page.evaluate(UPLOAD, [ticket, options])


@pytest.mark.parametrize("kind", ["ticket", "url"])
def test_a_file_arrives_and_its_image_is_ready_to_be_shown(page: Page, shop: Shop, kind: str) -> None:
    ticket = shop.ticket()
    found = upload(page, ticket if kind == "ticket" else ticket["url"], alt="A rocket")
    assert found["seen"][-1] == 1
    assert found["seen"] == sorted(found["seen"])
    [shown] = shop.pictures()
    assert {name: found["image"][name] for name in shown} == shown
    assert (shown["alt"], found["image"]["product_id"]) == ("A rocket", PRODUCT)


def test_when_the_answer_is_lost_the_image_is_made_once(page: Page, shop: Shop) -> None:
    shop.faults.extend(["lost", "503"])
    found = upload(page, shop.ticket(by_line=True))
    assert found["image"]["product_id"] == PRODUCT
    assert len(shop.keys) == 3
    assert len(set(shop.keys)) == 1
    assert len(shop.pictures()) == 1


def test_a_key_of_ones_own_goes_on_after_a_reload(page: Page, shop: Shop) -> None:
    ticket = shop.ticket()
    first = upload(page, ticket, key="mine")
    page.reload()
    page.wait_for_function("window.client")
    assert upload(page, ticket, key="mine")["image"] == first["image"]
    assert len(shop.pictures()) == 1


def test_a_refusal_is_not_repeated(page: Page, shop: Shop) -> None:
    found = upload(page, shop.ticket(by_line=True), name="notes.jpg", data=b"no picture")
    assert found["error"] == {
        "name": "UploadError",
        "message": "file must be a jpg, png, gif, webp or avif image",
        "status": 422,
        "problem": "not_an_image",
        "isOurs": True,
    }
    assert len(shop.keys) == 1


def test_a_picture_that_the_product_has_is_the_answer(page: Page, shop: Shop) -> None:
    url = shop.ticket()["url"]
    first = upload(page, url)
    again = upload(page, f"{url}&on_duplicate=reuse")
    assert again["image"]["id"] == first["image"]["id"]
    assert len(shop.pictures()) == 1


def test_a_picture_that_the_product_has_is_refused_once(page: Page, shop: Shop) -> None:
    url = shop.ticket(by_line=True)["url"]
    first = upload(page, url)
    error = upload(page, f"{url}&on_duplicate=refuse")["error"]
    assert (error["status"], error["problem"]) == (409, "duplicate")
    assert error["message"] == f"The product has this picture already: image {first['image']['id']}"
    assert len(shop.keys) == 2


def test_without_an_answer_the_origin_is_named_as_a_cause(page: Page, shop: Shop) -> None:
    """The browser is said to be online again all the time, so that it need not wait between its attempts."""
    page.evaluate("setInterval(() => dispatchEvent(new Event('online')), 10)")
    made = shop.client.post("/uploads", json={"product_id": PRODUCT}).raise_for_status().json()
    error = upload(page, made)["error"]
    assert error["status"] == 0
    assert error["message"] == f"The connection was lost, or the ticket does not allow pages of {shop.url}"


def test_a_ticket_that_is_over_says_so(page: Page, shop: Shop) -> None:
    ticket = shop.ticket()
    shop.client.delete(f"/uploads/{ticket['id']}").raise_for_status()
    found = upload(page, ticket)
    assert (found["error"]["status"], found["error"]["message"]) == (410, "The upload ticket has been withdrawn")


def test_an_upload_can_be_given_up_under_way(page: Page, shop: Shop) -> None:
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 50_000}
    line.send("Network.emulateNetworkConditions", slow)
    page.set_input_files("input", {"name": "big.jpg", "mimeType": "image/jpeg", "buffer": bytes(2_000_000)})
    assert page.evaluate(GIVE_UP, shop.ticket()) == "AbortError"
    assert shop.pictures() == []


def test_an_upload_can_be_given_up_while_it_waits(page: Page, shop: Shop) -> None:
    shop.faults.append("503")
    page.set_input_files("input", PHOTOS / "rocket.jpg")
    stopped = page.evaluate(
        """ticket => {
          const stop = new AbortController();
          const sent = client.upload(ticket, document.querySelector("input").files[0], {signal: stop.signal});
          const answered = new PerformanceObserver(() => stop.abort());
          answered.observe({type: "resource"});
          return sent.catch(error => error.name);
        }""",
        shop.ticket(by_line=True),
    )
    assert stopped == "AbortError"
    assert len(shop.keys) == 1
    assert shop.pictures() == []


def test_one_that_was_given_up_before_is_not_sent(page: Page, shop: Shop) -> None:
    stopped = page.evaluate(
        "ticket => client.upload(ticket, new Blob(), {signal: AbortSignal.abort()}).catch(error => error.name)",
        shop.ticket(by_line=True),
    )
    assert (stopped, shop.keys) == ("AbortError", [])
