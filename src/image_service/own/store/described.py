"""OpenAPI descriptions of a store. Each value in capitals is the keyword arguments of one route's decorator."""

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from image_service.web.images.bodies import Identity, Time, described
from image_service.web.problem_bodies import errors


class StoreBody(TypedDict):
    """A store, as its own token sees it."""

    id: Annotated[Identity, described("The store's id.")]
    name: Annotated[str, described("Display name.")]
    scope: Annotated[Literal["read", "write"], described("What the token may do.")]
    created_at: Time


GET_STORE: dict[str, Any] = dict(
    summary="Whose token is this?",
    responses={
        200: {
            "model": StoreBody,
            "description": "The store.",
            "content": {
                "application/json": {
                    "example": {
                        "id": 1234,
                        "name": "My shop",
                        "scope": "write",
                        "created_at": "2026-01-01T00:00:00+00:00",
                    }
                }
            },
        },
        **errors(),
    },
)
