"""The bodies of Bukalapak's image API, exactly as its document prints them (docs/seeds: bukalapak-image-api)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, WithJsonSchema

from image_service.web.openapi.components import shared

NO_IMAGE = "null"  # the `user_id` of a failed create in the document


class Created(BaseModel):
    """The id is a string here, and an integer in every other answer: as printed."""

    status: Literal["OK"]
    id: str = Field(pattern="^[1-9][0-9]*$")
    # Always null. Client generators have no type for that, only for nullable strings.
    message: Annotated[None, WithJsonSchema({"type": ["string", "null"]})]


class Done(BaseModel):
    """An image's state is `Orphaned`, or it was deleted."""

    status: Literal["OK"]
    id: int
    message: Literal["Orphaned", "Image deleted"]


class Failed(BaseModel):
    """`user_id` carries the image id of the request, or the string `"null"` where it has none: as printed."""

    status: Literal["ERROR"]
    # A pattern, because client generators read the constant "null" as null.
    user_id: int | Annotated[Literal["null"], WithJsonSchema({"type": "string", "pattern": "^null$"})]
    message: str


ORPHANED = {"status": "OK", "id": 1838301, "message": "Orphaned"}
ASSIGNED = {"status": "ERROR", "user_id": 1838301, "message": "Assigned"}
DELETED = {"status": "OK", "id": 1838301, "message": "Image deleted"}
CREATED = {"status": "OK", "id": "157324", "message": None}


def examples(**bodies: Any) -> dict[str, Any]:
    """The `content` of an OpenAPI response or request: named examples of JSON."""
    return {"application/json": {"examples": {name: {"value": body} for name, body in bodies.items()}}}


def failure(
    description: str,
    message: str,
    *user_ids: int | str,
    name: str = "",
    headers: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An error response for OpenAPI. `name`: its component's, if several routes share it."""
    failed = {
        "upload" if user_id == NO_IMAGE else "image": {"status": "ERROR", "user_id": user_id, "message": message}
        for user_id in user_ids
    }
    response = {
        "model": Failed,
        "description": description,
        "content": examples(**failed),
        "headers": dict(headers or {}),
    }
    return shared(f"Bukalapak{name}", response) if name else response
