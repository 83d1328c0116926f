"""The page to work with pictures at /gallery: static files that use only the public API.

Their code is in `static/gallery/`. This module mounts them, and sets their limits and Content-Security-Policy.
"""

import html
import json
from urllib.parse import urlsplit

from starlette.applications import Starlette

from image_service.pixels.limits import Limits
from image_service.site.files import STATIC, Files
from image_service.site.pages import add_page, add_redirect, policy

_LIMITS = "{limits}"  # their placeholder in the page


def add_gallery(app: Starlette, delivery_base: str, *, max_image_bytes: int, limits: Limits, has_gallery: bool) -> None:
    """GET /gallery, if `has_gallery`; its pictures come from `delivery_base`.

    The page gets the limits of a picture: it shrinks those that are too large, and says why others are refused.
    """
    folder = STATIC / "gallery"
    app.mount("/gallery/static", Files("gallery"))
    if has_gallery:
        # `blob:`: pictures being uploaded are shown from the browser's memory.
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(delivery_base))
        page = (folder / "gallery.html").read_text().replace(_LIMITS, html.escape(_told(max_image_bytes, limits)))
        add_redirect(app, "/gallery/", "../gallery")
        add_page(app, "/gallery", page, policy(images=f"'self' {origin} blob:"))


def _told(max_image_bytes: int, limits: Limits) -> str:
    told = {"bytes": max_image_bytes, "pixels": limits.pixels, "side": limits.side}
    return json.dumps({**told, "formats": [str(each) for each in limits.formats]})
