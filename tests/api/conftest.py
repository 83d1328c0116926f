"""The API's description, blobs for requests that are repeated, and a store that stays empty."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.described import described, resolved
from tests.api.repeated import HeldStorage
from tests.conftest import Service


@pytest.fixture
def held(service: Service) -> HeldStorage:
    """The shared blobs."""
    return HeldStorage(service.settings.data_dir / "blobs")


@pytest.fixture
async def printed(anyone: httpx.AsyncClient) -> dict[str, Any]:
    """The description as it is sent."""
    return await described(anyone)


@pytest.fixture
def document(printed: dict[str, Any]) -> dict[str, Any]:
    """Every reference replaced by what it stands for."""
    return resolved(printed)


@pytest.fixture
async def nothing_is_stored(client: httpx.AsyncClient) -> AsyncIterator[None]:
    """At the end of the test."""
    yield
    assert (await client.get("/images")).json() == []
