"""The dialect of upload tickets, which `app` mounts."""

from image_service.own.tickets import problems, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="uploads",
    prefixes=("/uploads",),
    router=routes.router,
    render=problems.render,
    has_secrets=True,  # a ticket's URL contains its signature
    attachment=None,  # a ticket accepts only a file in a form
    tags=(
        {
            "name": "Uploads",
            "externalDocs": {"url": "guides/uploads", "description": "The guide"},
            "description": "Straight from a browser or a phone, which must never hold a token: your back-end makes a "
            "ticket, your front-end posts files to its URL.",
        },
    ),
)
