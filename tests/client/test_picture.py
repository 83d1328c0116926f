"""`picture()` of /client.js: what a browser makes of its markup."""

import shutil

import pytest
from playwright.sync_api import Page, expect

from image_service.site.files import STATIC
from tests.client.conftest import Shop
from tests.conftest import PHOTOS

COUNT_SHIFTS = """
  window.shifts = 0;
  new PerformanceObserver(list => list.getEntries().forEach(entry => (window.shifts += entry.value)))
    .observe({type: "layout-shift", buffered: true});
"""
# The colours of a preview of 8 by 8 pixels, from the top: as the page shows them, and as ThumbHash's own library has.
COLOURS = """async hash => {
  const holder = document.createElement("div");
  holder.innerHTML = client.picture({src: "/none.jpg", thumbhash: hash});
  const preview = new Image();
  preview.src = /url\\("?(data:[^")]+)/.exec(holder.querySelector("img").style.background)[1];
  await preview.decode();
  const canvas = new OffscreenCanvas(8, 8).getContext("2d");
  canvas.drawImage(preview, 0, 0);
  const shown = [...canvas.getImageData(0, 0, 8, 8).data];
  const {thumbHashToRGBA} = await import("/thumbhash.js");
  const bytes = Uint8Array.from(atob(hash), c => c.charCodeAt(0));
  const {w, h, rgba} = thumbHashToRGBA(bytes);
  const at = (x, y) => [...rgba.slice(4 * (y * w + x), 4 * (y * w + x) + 4)];
  const expected = [];
  for (let y = 0; y < 8; y++) {
    for (let x = 0; x < 8; x++) expected.push(...at(Math.floor(((x + 0.5) * w) / 8), Math.floor(((y + 0.5) * h) / 8)));
  }
  return {shown, expected, size: [preview.width, preview.height]};
}"""


def put(page: Page, image: object, **options: object) -> None:
    page.evaluate(
        "([image, options]) => { document.body.innerHTML = client.picture(image, options); }", [image, options]
    )


def test_the_browser_takes_the_smallest_that_will_do(page: Page, shop: Shop) -> None:
    shop.add(PHOTOS / "rocket.jpg", alt="A rocket")
    [image] = shop.pictures()
    put(page, image, sizes="200px")
    img = page.get_by_role("img", name="A rocket")
    expect(img).to_have_js_property("complete", True)
    assert str(img.evaluate("img => img.currentSrc")).endswith("-240-0.avif")
    types = page.locator("source").evaluate_all("all => all.map(each => each.type)")
    assert types == ["image/avif", "image/webp"]
    assert img.get_attribute("loading") == "lazy"
    assert (img.get_attribute("width"), img.get_attribute("height")) == (str(image["width"]), str(image["height"]))


def test_what_comes_first_is_not_put_off(page: Page, shop: Shop) -> None:
    shop.add(PHOTOS / "rocket.jpg")
    put(page, shop.pictures()[0], priority=True)
    img = page.locator("img")
    assert (img.get_attribute("loading"), img.get_attribute("fetchpriority")) == (None, "high")
    assert img.get_attribute("alt") == ""


def test_nothing_moves_when_it_comes(page: Page, shop: Shop) -> None:
    shop.add(PHOTOS / "rocket.jpg")
    page.evaluate(COUNT_SHIFTS)
    put(page, shop.pictures()[0])
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p>Below</p>')")
    expect(page.locator("img")).to_have_js_property("complete", True)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("shifts") == 0


@pytest.mark.parametrize("name", ["rocket.jpg", "coffee-orientation-6.jpg"])
def test_until_then_its_colours_are_there(page: Page, shop: Shop, name: str) -> None:
    shutil.copy(STATIC / "gallery/vendor/thumbhash/thumbhash.js", shop.folder)
    shop.add(PHOTOS / name)
    found = page.evaluate(COLOURS, shop.pictures()[0]["thumbhash"])
    assert found["size"] == [8, 8]
    apart = [abs(one - other) for one, other in zip(found["shown"], found["expected"], strict=True)]
    assert sum(apart) / len(apart) < 4  # of 255; the library's pixels are elsewhere by less than half of one
    assert max(found["expected"][::4]) - min(found["expected"][::4]) > 40  # more than one colour


def test_what_is_transparent_has_nothing_behind_it(page: Page, shop: Shop) -> None:
    shop.add(PHOTOS / "transparent.png")
    put(page, shop.pictures()[0])
    assert "url(" not in str(page.locator("img").get_attribute("style"))


def test_texts_cannot_break_out(page: Page) -> None:
    text = '"><script>document.title = "broken"</script>&amp;'
    put(page, {"src": "/none.jpg", "alt": text}, sizes='1px"onload="1')
    assert page.locator("img").get_attribute("alt") == text
    assert page.locator("script").count() == 0


def test_of_several_languages_it_takes_the_pages_own(page: Page) -> None:
    image = {"src": "/none.jpg", "alt": {"es": "Un cohete", "en": "A rocket"}}
    page.evaluate("document.documentElement.lang = 'en'")
    put(page, image)
    assert page.locator("img").get_attribute("alt") == "A rocket"
    page.evaluate("document.documentElement.lang = 'fr'")
    put(page, image)
    assert page.locator("img").get_attribute("alt") == "Un cohete"
    put(page, {"src": "/none.jpg", "alt": []}, alt="Said here")
    assert page.locator("img").get_attribute("alt") == "Said here"
