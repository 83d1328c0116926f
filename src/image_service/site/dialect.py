"""The service's pages, health and metrics, which `app` mounts. They need no token."""

from image_service.site import client, operations
from image_service.web import problem_bodies
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="operations",
    prefixes=("/health/", "/metrics", "/docs", "/openapi.json", "/gallery", "/guides"),
    paths=frozenset({"/"}) | client.PATHS,
    router=operations.router,
    render=problem_bodies.render,
    credentials=(),
    tags=({"name": "Operations", "description": "Health. No token."},),
)
