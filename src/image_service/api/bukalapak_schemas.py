"""The bodies of Bukalapak's image API, exactly as its document prints them (docs/seeds: bukalapak-image-api)."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

NO_IMAGE = "null"  # what the document prints as the `user_id` of a failed create


class Created(BaseModel):
    """The id is a string here, and an integer in every other answer: as printed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "OK", "id": "157324", "message": None}]})

    status: Literal["OK"]
    id: str = Field(pattern="^[1-9][0-9]*$")
    message: None


class Done(BaseModel):
    """An image's state is `Orphaned`, or it was deleted."""

    status: Literal["OK"]
    id: int
    message: Literal["Orphaned", "Image deleted"]


class Failed(BaseModel):
    """`user_id` carries the image id of the request, or the string `"null"` where it has none: as printed."""

    status: Literal["ERROR"]
    user_id: int | Literal["null"]
    message: str


ORPHANED = {"status": "OK", "id": 1838301, "message": "Orphaned"}
ASSIGNED = {"status": "ERROR", "user_id": 1838301, "message": "Assigned"}
DELETED = {"status": "OK", "id": 1838301, "message": "Image deleted"}
CREATED = {"status": "OK", "id": "157324", "message": None}


def examples(**bodies: Any) -> dict[str, Any]:
    """The `content` of an OpenAPI response or request: named examples of JSON."""
    return {"application/json": {"examples": {name: {"value": body} for name, body in bodies.items()}}}


def failure(description: str, message: str, user_id: int | str = 1838301) -> dict[str, Any]:
    """A failed answer of a route, for OpenAPI."""
    body = {"status": "ERROR", "user_id": user_id, "message": message}
    return {"model": Failed, "description": description, "content": examples(failed=body)}
