"""Tiendanube's API as a dialect: its document's routes, also under the platform's own prefixes."""

from fastapi import Depends

from image_service.dialects.tiendanube import products, routes
from image_service.pixels.picture import ALWAYS_TAKEN
from image_service.web import problem_bodies
from image_service.web.access.callers import require_own_store
from image_service.web.dialect import Dialect
from image_service.web.openapi.routes import Router

_VERSIONS = ("v1", "2025-03")  # what real clients call


def _include(router: Router, prefix: str, tag: str) -> Router:
    """Include all routes in `router`, under `prefix`."""
    own = [Depends(require_own_store)] if prefix else []
    of_the_platform = (products.by_key, products.named) if prefix else ()
    for each in (*of_the_platform, routes.lists, routes.routes, products.routes):
        router.include_router(each, prefix=prefix, tags=[tag], dependencies=own)
    return router


_versioned = Router()
for _version in _VERSIONS:
    _include(_versioned, f"/{_version}/{{store_id}}", f"Tiendanube {_version}")

DIALECTS = (
    Dialect(
        name="tiendanube",
        title="Tiendanube",
        prefixes=("",),  # also matches `OPTIONS *`, which is no path
        router=_include(Router(), "", "Tiendanube"),
        render=problem_bodies.render,
        formats=ALWAYS_TAKEN,  # named in its document; the platform accepts more today
        tags=(
            {
                "name": "Tiendanube",
                "externalDocs": {"url": "guides/tiendanube", "description": "The guide"},
                "description": "Product images as a gallery: ordered, described, replaced, removed.",
            },
        ),
    ),
    Dialect(
        name="tiendanube",
        prefixes=tuple(f"/{version}/" for version in _VERSIONS),
        router=_versioned,
        render=problem_bodies.render,
        texts=tuple(f"/{version}/{{store_id}}/products/sku/" for version in _VERSIONS),
        names_requests=False,  # the platform's PHP client treats any `X-Request-Id` as an error
        tags=(
            {
                "name": "Tiendanube v1",
                "description": "The same routes under the prefix that clients call; `alt` is a map by language.",
                "x-repeats": "Tiendanube",
            },
            {
                "name": "Tiendanube 2025-03",
                "description": "The same routes under the newer prefix; `alt` is a map by language.",
                "x-repeats": "Tiendanube",
            },
        ),
    ),
)
