"""The shop page of docs/delivery.md, as it is printed there, from a shop of its own."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "delivery.md"
PHOTOS = [ROOT / "tests" / "data" / "photos" / name for name in ("rocket.jpg", "coffee-orientation-6.jpg")]
PRINTED = "http://127.0.0.1:8000"  # what the guide calls the service
TITLE = "<title>A shop with client.js</title>"
PRODUCT = 990_001
IMAGES = 12
SHOWN = "320-0.avif"  # what Chromium takes


@contextmanager
def shop(url: str, token: str) -> Iterator[str]:
    """The page's URL. Its product has photos, which are rendered already."""
    page = printed().replace(PRINTED, url).encode()
    images = json.dumps(_filled(url, token)).encode()

    class Shop(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, kind = (images, "application/json") if self.path == "/pictures" else (page, "text/html")
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def printed() -> str:
    found = re.findall(r"^```html\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    (page,) = (each for each in found if TITLE in each)
    return str(page)


def _filled(url: str, token: str) -> list[dict[str, object]]:
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        path = f"/products/{PRODUCT}/images"
        client.delete(f"/products/{PRODUCT}")
        for place in range(IMAGES):
            photo = PHOTOS[place % len(PHOTOS)]
            client.post(path, files={"file": (photo.name, photo.read_bytes())}).raise_for_status()
        fields = {"fields": "src,alt,width,height,thumbhash,srcset"}
        images: list[dict[str, object]] = client.get(path, params=fields).raise_for_status().json()
        for image in images:
            client.get(str(image["src"]).replace("640-0.jpg", SHOWN)).raise_for_status()
    return images
