"""Bukalapak's API as a dialect."""

from image_service.dialects.bukalapak import problems, routes
from image_service.pixels.picture import ALWAYS_TAKEN
from image_service.web.dialect import Dialect


def dialect(*, always_200: bool) -> Dialect:
    """`always_200`: errors other than 401 have status 200 too."""
    return Dialect(
        name="bukalapak",
        title="Bukalapak",
        prefixes=("/v2/",),
        paths=frozenset({"/v2"}),
        router=routes.router,
        render=problems.render_as_200 if always_200 else problems.render,
        challenge='Basic realm="image-service", charset="UTF-8"',
        attachment=None,
        formats=ALWAYS_TAKEN,  # named in its document
        tags=(
            {
                "name": "Bukalapak",
                "externalDocs": {"url": "guides/bukalapak", "description": "The guide"},
                "description": "Upload first, assign to a product later. An operator can have all errors but 401 "
                "answered with 200 (`BUKALAPAK_ALWAYS_200`): old clients lose the body of anything else, and look at "
                "its `status`.",
            },
        ),
    )
