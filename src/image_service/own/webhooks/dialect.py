"""The dialect of webhooks, which `app` mounts."""

from image_service.own.webhooks import problems, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="webhooks",
    prefixes=("/webhooks/",),
    paths=frozenset({"/webhooks"}),
    router=routes.router,
    render=problems.render,
    attachment=None,  # no route here accepts a picture
    has_secrets=True,  # they sign deliveries
    tags=(
        {
            "name": "Webhooks",
            "description": "URLs of yours that are told of what happens to your images, signed as "
            "Standard Webhooks says.",
        },
    ),
)
