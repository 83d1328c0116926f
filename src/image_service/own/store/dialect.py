"""The dialect of the caller's store, which `app` mounts."""

from image_service.own.store import routes
from image_service.web import problem_bodies
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="store",
    prefixes=(),
    paths=frozenset({"/store"}),
    router=routes.router,
    render=problem_bodies.render,
    tags=({"name": "Store", "description": "The store of a token."},),
)
