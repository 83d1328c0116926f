"""The page at /docs: every operation of the OpenAPI document, rendered on the server for speed."""

from collections.abc import Mapping
from typing import Any

from image_service.site.reference.prose import prose
from image_service.site.reference.reading import Reading
from image_service.site.rendered import rendered


def render(document: Mapping[str, Any], server: str, *, has_gallery: bool) -> str:
    """HTML that refers only to files of this service, by relative URLs."""
    reading = Reading(document, server)
    info = document["info"]
    return rendered(
        "reference.html",
        title=info["title"],
        version=info["version"],
        summary=info.get("summary", ""),
        description=prose(info.get("description", "")),
        more=document.get("externalDocs"),
        server=server,
        has_gallery=has_gallery,
        schemes=reading.schemes(),
        groups=list(reading.groups()),
        answers=list(reading.shared_answers()),
        headers=reading.headers(),
        schemas=list(reading.schemas()),
    )
