"""Shopify's REST Admin API as a dialect: product images, under versioned prefixes and the old one."""

from typing import Annotated

from fastapi import Depends, Path
from fastapi.routing import APIRoute

from image_service.dialects.shopify import problems, products, routes
from image_service.dialects.shopify.credentials import CREDENTIALS
from image_service.dialects.shopify.rates import rates
from image_service.dialects.shopify.sizes import read_size
from image_service.web.dialect import Dialect
from image_service.web.openapi.routes import Router

Version = Annotated[
    str,
    Path(
        pattern=r"^([0-9]{4}-[0-9]{2}|unstable|latest)$",
        description="A version of the platform's API (formed as a month), `latest` or `unstable`: all behave the same.",
        examples=["2026-01"],
    ),
]


async def _known(version: Version) -> None:
    """FastAPI validates `version`: any other form is a path that does not exist."""


def _mount(prefix: str, tag: str, suffix: str = "") -> None:
    """Mounts all routes under one prefix. `suffix` ends their operation names."""
    versioned = [Depends(_known)] if "{version}" in prefix else []
    for each in (routes.routes, products.routes):
        _router.include_router(
            each,
            prefix=prefix,
            tags=[tag],
            dependencies=versioned,
            generate_unique_id_function=lambda route: _operation_id(route, suffix),
        )


def _operation_id(route: APIRoute, suffix: str) -> str:
    return f"shopify_{route.name}{suffix}"


_router = Router()
_mount("/admin/api/{version}", "Shopify")
_mount("/admin", "Shopify without a version", "_old")


def dialect(*, bucket: int | None) -> Dialect:
    """`bucket`: calls that a store's bucket holds; None: no limit is set."""
    return Dialect(
        name="shopify",
        title="Shopify",
        prefixes=("/admin/",),
        paths=frozenset({"/admin"}),
        router=_router,
        render=problems.render,
        credentials=CREDENTIALS,
        rates=rates(bucket),
        has_capitals=True,  # its Python client keeps headers in a dictionary
        read_size=read_size,
        attachment=("image", "attachment"),
        tags=(
            {
                "name": "Shopify",
                "externalDocs": {"url": "guides/shopify", "description": "The guide"},
                "description": "Product images of the REST Admin API. Other properties of products are not here.",
            },
            {
                "name": "Shopify without a version",
                "description": "The same routes under the prefix of older clients, without a version.",
                "x-repeats": "Shopify",
            },
        ),
    )
