"""The two pages of the documentation that use /client.js, as they are printed."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.client.conftest import Shop
from tests.client.test_picture import COUNT_SHIFTS
from tests.conftest import PHOTOS
from tests.deploy.files import ROOT
from tests.uploads.printed import block

LINES = 15


def open_printed(page: Page, shop: Shop, document: str, title: str) -> None:
    text = (ROOT / "docs" / document).read_text()
    found = re.findall(r"^```html\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    [code] = [each for each in found if f"<title>{title}</title>" in each]
    assert code.count("\n") <= LINES
    (shop.folder / "printed.html").write_text(code.replace("http://127.0.0.1:8000", shop.service.url))
    page.add_init_script(COUNT_SHIFTS)
    page.goto(f"{shop.url}/printed.html")


def test_the_upload_page(page: Page, shop: Shop, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jpg"
    notes.write_text("no picture")
    open_printed(page, shop, "uploads.md", "Photos with client.js")
    page.wait_for_function("Boolean(document.querySelector('input').onchange)")
    page.set_input_files("input", [PHOTOS / "rocket.jpg", notes])
    expect(page.get_by_role("img", name="rocket.jpg")).to_have_js_property("complete", True)
    expect(page.get_by_text("notes.jpg: file must be a jpg, png, gif, webp or avif image")).to_be_visible()
    assert len(shop.pictures()) == 1
    assert page.evaluate("shifts") == 0


def test_the_printed_policy_is_enough(page: Page, shop: Shop) -> None:
    """For `upload()` and for all of `picture()`, preview included."""
    policy = block("text", "Content-Security-Policy:").partition(":")[2]
    policy = " ".join(policy.replace("https://images.example.com", shop.service.url).split())
    (shop.folder / "policy.js").write_text(f"""
        import {{ picture, upload }} from "{shop.service.url}/client.js";
        document.querySelector("input").onchange = async ({{ target }}) => {{
          const ticket = await (await fetch("/ticket", {{ method: "POST" }})).json();
          const image = await upload(ticket, target.files[0], {{ alt: "A rocket" }});
          document.querySelector("main").innerHTML = picture(image);
        }};
        document.querySelector("main").textContent = "Ready";""")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    body = '<input type="file"><main></main><script type="module" src="/policy.js"></script>'
    (shop.folder / "policy.html").write_text(f"<!doctype html>{meta}{body}")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{shop.url}/policy.html")
    page.get_by_text("Ready").wait_for()
    page.set_input_files("input", PHOTOS / "rocket.jpg")
    shown = page.get_by_role("img", name="A rocket")
    expect(shown).not_to_have_js_property("naturalWidth", 0)
    expect(shown).to_have_css("max-width", "100%")
    assert "data:image/bmp" in shown.evaluate("img => getComputedStyle(img).backgroundImage")
    assert said == []


@pytest.mark.parametrize("width", [390, 1440])
def test_the_shop_page(page: Page, shop: Shop, width: int) -> None:
    for name in ("rocket.jpg", "coffee-orientation-6.jpg", "transparent.png"):
        shop.add(PHOTOS / name, alt=name)
    page.set_viewport_size({"width": width, "height": 800})
    open_printed(page, shop, "delivery.md", "A shop with client.js")
    expect(page.get_by_role("img")).to_have_count(3)
    first = page.get_by_role("img", name="rocket.jpg")
    expect(first).to_have_js_property("complete", True)
    assert first.evaluate("img => img.currentSrc").endswith("-320-0.avif")
    assert first.get_attribute("fetchpriority") == "high"
    assert page.evaluate("shifts") == 0
