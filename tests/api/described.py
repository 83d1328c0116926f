"""The API's description as tests read it."""

from typing import Any

import httpx

METHODS = {"get", "post", "put", "delete"}


def resolved(document: dict[str, Any]) -> dict[str, Any]:
    """The document with every reference replaced by what it stands for."""

    def follow(place: Any) -> Any:
        if isinstance(place, list):
            return [follow(each) for each in place]
        if not isinstance(place, dict):
            return place
        if "$ref" in place:
            target: Any = document
            for step in place["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return follow(target)
        return {key: follow(value) for key, value in place.items()}

    found: dict[str, Any] = follow(document)
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Each with its name: `get /images/{id}`."""
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def operation_of(name: str) -> tuple[str, str]:
    """Path and method."""
    method, path = name.split()
    return path, method.upper()


async def described(client: httpx.AsyncClient) -> dict[str, Any]:
    """The document as it is sent."""
    answer = await client.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found
