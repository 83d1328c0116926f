"""The landing page at /: the version, whether it is ready, and links."""

from starlette.applications import Starlette

from image_service.site.pages import add_page, policy
from image_service.site.rendered import rendered


def add_landing(app: Starlette, version: str, *, has_gallery: bool) -> None:
    add_page(app, "/", rendered("landing.html", version=version, has_gallery=has_gallery), policy())
