"""The dialect of galleries as one list, which `app` mounts."""

from image_service.own.gallery import problems, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="gallery",
    prefixes=(),
    paths=frozenset({"/products/{product_id}/gallery"}),
    router=routes.router,
    render=problems.render,
    attachment=None,  # pictures are fetched from URLs
    tags=(
        {
            "name": "Gallery",
            "description": "A product's images as one list: send the list that you want, as often as you like.",
        },
    ),
)
