"""A product's gallery as one list, as `app` mounts it."""

from image_service.own.gallery import problems, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="gallery",
    prefixes=(),
    paths=frozenset({"/products/{product_id}/gallery"}),
    router=routes.router,
    render=problems.render,
    attachment=None,  # pictures come by URL
    tags=(
        {
            "name": "Gallery",
            "description": "A product's images as one list: send the list that you want, as often as you like.",
        },
    ),
)
