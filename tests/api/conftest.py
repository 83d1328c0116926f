"""The API's description, and blobs for requests that are repeated."""

from typing import Any

import httpx
import pytest

from tests.api.repeated import HeldStorage
from tests.conftest import Service


@pytest.fixture
def held(service: Service) -> HeldStorage:
    """The shared blobs."""
    return HeldStorage(service.settings.data_dir / "blobs")


@pytest.fixture
async def printed(anyone: httpx.AsyncClient) -> dict[str, Any]:
    """As it is sent."""
    answer = await anyone.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


@pytest.fixture
def document(printed: dict[str, Any]) -> dict[str, Any]:
    """Every reference replaced by what it stands for."""

    def resolved(place: Any) -> Any:
        if isinstance(place, list):
            return [resolved(each) for each in place]
        if not isinstance(place, dict):
            return place
        if "$ref" in place:
            target: Any = printed
            for step in place["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return resolved(target)
        return {key: resolved(value) for key, value in place.items()}

    found: dict[str, Any] = resolved(printed)
    return found
