"""How Chromium shows a picture, frame by frame."""

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from PIL import Image
from playwright.async_api import Page, async_playwright

from image_service.pixels.picture import Format
from tests.browser import MILLISECONDS
from tests.deploy.needs import program

PAGE = "https://pictures.test/"  # answered here: only pages from such an address may decode frames
FRAME = """async ([type, data, frame]) => {
    const bytes = Uint8Array.from(atob(data), each => each.charCodeAt(0))
    const decoder = new ImageDecoder({type, data: bytes})
    await decoder.completed
    const {image} = await decoder.decode({frameIndex: frame})
    const canvas = new OffscreenCanvas(image.displayWidth, image.displayHeight)
    const context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data
    let text = ""
    for (let at = 0; at < pixels.length; at += 32768) text += String.fromCharCode(...pixels.subarray(at, at + 32768))
    const track = decoder.tracks.selectedTrack
    return [canvas.width, canvas.height, track.frameCount, btoa(text)]
}"""

PICTURE = """async ([type, data]) => {
    const image = new Image()
    image.src = `data:${type};base64,${data}`
    await image.decode()
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight)
    const context = canvas.getContext("2d")
    context.drawImage(image, 0, 0)
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data
    let text = ""
    for (let at = 0; at < pixels.length; at += 32768) text += String.fromCharCode(...pixels.subarray(at, at + 32768))
    return [canvas.width, canvas.height, btoa(text)]
}"""


class Shown:
    def __init__(self, page: Page) -> None:
        self._page = page

    async def frame(self, data: bytes, format: Format, frame: int = 0) -> Image.Image:
        """In RGBA. `info` has the number of `frames`."""
        arguments = [format.media_type, base64.b64encode(data).decode(), frame]
        width, height, frames, pixels = await self._page.evaluate(FRAME, arguments)
        image = Image.frombytes("RGBA", (width, height), base64.b64decode(pixels))
        image.info["frames"] = frames
        return image

    async def picture(self, data: bytes, format: Format) -> Image.Image:
        """As a page shows it, upright, in RGBA."""
        arguments = [format.media_type, base64.b64encode(data).decode()]
        width, height, pixels = await self._page.evaluate(PICTURE, arguments)
        return Image.frombytes("RGBA", (width, height), base64.b64decode(pixels))


@asynccontextmanager
async def shown_by_chromium() -> AsyncIterator[Shown]:
    path = shutil.which("chromium-headless-shell") or program("chromium", "chromium-headless-shell")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=MILLISECONDS)
        page = await browser.new_page()
        await page.route(PAGE, lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
        await page.goto(PAGE)
        yield Shown(page)
        await browser.close()
