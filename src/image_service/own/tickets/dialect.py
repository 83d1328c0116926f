"""Upload tickets, as `app` mounts them."""

from image_service.own.tickets import problems, routes
from image_service.web.dialect import Dialect

DIALECT = Dialect(
    name="uploads",
    prefixes=("/uploads",),
    router=routes.router,
    render=problems.render,
    has_secrets=True,  # the URL of a ticket is signed
    attachment=None,  # a ticket takes a file in a form, and asks for nothing else
    tags=(
        {
            "name": "Uploads",
            "externalDocs": {"url": "guides/uploads", "description": "The guide"},
            "description": "Straight from a browser or a phone, which must never hold a token: your back-end makes a "
            "ticket, your front-end posts files to its URL.",
        },
    ),
)
