"""Pictures that the service would refuse but a browser can show are made to fit; the same one twice is noticed."""

import struct
import zlib
from collections.abc import Iterator
from random import Random

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.gallery.conftest import STORE, TOKEN, Shop, corner, open_product, photo, shown
from tests.processes import Server
from tests.shop import png

MAX_BYTES = 60_000
MAX_PIXELS = 250_000
MAX_SIDE = 1_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A service that takes small pictures alone, so that those that are too large are quickly made."""
    server = Server(
        tmp_path_factory.mktemp("fitting"),
        BOOTSTRAP_STORE=STORE,
        BOOTSTRAP_TOKEN=TOKEN,
        MAX_IMAGE_BYTES=str(MAX_BYTES),
        MAX_PIXELS=str(MAX_PIXELS),
        MAX_SIDE=str(MAX_SIDE),
        INPUT_FORMATS="jpg,png,gif,webp",
    )
    try:
        with server.ready().client(TOKEN) as client:
            yield Shop(server, client)
    finally:
        server.end()


def bmp(width: int, height: int) -> bytes:
    """24 bits a pixel, all of one colour."""
    row = b"\x20\x80\xe0" * width
    row += bytes(-len(row) % 4)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, len(row) * height, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(row) * height, 0, 0, 54) + head + row * height


def big_png(width: int, height: int, *, noise: bool = False, alpha: bool = False) -> bytes:
    """Of noise it weighs as much as its pixels."""
    depth = 4 if alpha else 3
    random = Random(1)
    rows = (random.randbytes(width * depth) if noise else bytes(width * depth) for _ in range(height))
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    head = struct.pack(">IIBBBBB", width, height, 8, 6 if alpha else 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def give(page: Page, **files: bytes) -> None:
    named = [
        {"name": name.replace("_", "."), "mimeType": "application/octet-stream", "buffer": data}
        for name, data in files.items()
    ]
    page.get_by_label("Pictures to add").set_input_files(named)  # type: ignore[arg-type]


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=name)


def test_a_bmp_is_converted(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    give(page, photo_bmp=bmp(60, 40))
    expect(corner(page).get_by_text("photo.bmp: Converted to JPEG")).to_be_visible()
    expect(page.locator(".tile .name")).to_have_text(["photo.jpg"])
    image = shop.image(int(page.locator(".tile").get_attribute("data-id") or 0))
    assert (image["format"], image["width"], image["height"]) == ("jpg", 60, 40)


def test_what_is_too_large_is_shrunk(page: Page, shop: Shop, product: int) -> None:
    """By its pixels, its side, its bytes."""
    open_product(page, product, 0)
    give(page, pixels_png=big_png(800, 400), side_png=big_png(1200, 100), bytes_png=big_png(300, 200, noise=True))
    expect(corner(page).get_by_text("3 pictures added.")).to_be_visible()
    expect(corner(page).get_by_text("pixels.png: Shrunk to 707 × 353")).to_be_visible()
    expect(corner(page).get_by_text("side.png: Shrunk to 1000 × 83")).to_be_visible()
    answer = shop.client.get(f"/products/{product}/images", params={"fields": "bytes,width,height,format"}).json()
    assert [(each["width"], each["height"]) for each in answer[:2]] == [(707, 353), (1000, 83)]
    assert all(each["bytes"] <= MAX_BYTES and each["width"] * each["height"] <= MAX_PIXELS for each in answer)


def test_what_is_transparent_stays_so(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    give(page, clear_png=big_png(800, 400, alpha=True))
    expect(page.locator(".picture.has-alpha")).to_have_count(1)
    assert shop.names(product) == ["clear.png"]


def test_what_cannot_be_made_to_fit_says_why(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(200)
    animated = photo("animated.gif").read_bytes()
    assert len(animated) > MAX_BYTES
    give(page, photo_heic=heic, animated_gif=animated, film_mov=b"\0\0\0\x14ftypqt  " + bytes(MAX_BYTES))
    expect(page.get_by_role("heading", name="3 pictures not added")).to_be_visible()
    formats = "JPEG, PNG, GIF or WebP"
    expect(row(page, "photo.heic")).to_contain_text(
        f"HEIC files can’t be used. Choose a picture in one of these formats: {formats}."
    )
    expect(row(page, "animated.gif")).to_contain_text("Too large: the file must be smaller than 60 kB.")
    expect(row(page, "film.mov")).to_contain_text(
        f"This file can’t be used. Choose a picture in one of these formats: {formats}."
    )
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)
    assert shop.names(product) == []


def test_a_replacement_is_made_to_fit_too(page: Page, shop: Shop, product: int) -> None:
    id = shop.add(product, "old.png")
    open_product(page, product, 1)
    page.get_by_role("button", name="Details of old.png").click()
    page.get_by_label("File of the new picture").set_input_files(
        {"name": "new.bmp", "mimeType": "image/bmp", "buffer": bmp(50, 50)}
    )
    expect(page.get_by_role("dialog", name="new.jpg")).to_be_visible()
    assert shop.image(id)["format"] == "jpg"


def test_the_picker_names_what_is_taken(page: Page, shop: Shop, product: int) -> None:
    open_product(page, product, 0)
    accepted = str(page.get_by_label("Pictures to add").get_attribute("accept")).split(",")
    assert {"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp"} <= set(accepted)
    assert "image/avif" not in accepted  # not here
    expect(page.get_by_text("JPEG, PNG, GIF or WebP, up to 60 kB.")).to_be_visible()


def test_the_same_picture_twice_is_noticed(page: Page, shop: Shop, product: int) -> None:
    shop.add(product, "deleted.png", png("blue"))
    shop.add(product, "first.png", png("green"))
    open_product(page, product, 2)
    page.get_by_role("button", name="Delete deleted.png").click()  # undo is still possible, so position 2 is shown as 1
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    give(page, copy_png=png("green"), red_png=png("red"), again_png=png("red"))
    expect(row(page, "copy.png")).to_contain_text("This picture is already here, at position 1.")
    expect(row(page, "again.png")).to_contain_text("This picture is already here, at position 2.")
    assert len(sent) == 1
    assert shown(page) == ["first.png", "red.png"]
    page.get_by_role("button", name="Add copy.png anyway").click()
    expect(page.locator(".tile")).to_have_count(3)
    assert [name for name in shop.names(product) if name != "deleted.png"] == ["first.png", "red.png", "copy.png"]
