from collections.abc import AsyncIterator

import pytest

from image_service.stores.registry import NewStore
from tests.conftest import Service
from tests.edge.wire import listening


@pytest.fixture(scope="module")
async def port(service: Service) -> AsyncIterator[int]:
    """Of a service with everyday limits."""
    async with listening(service) as port:
        yield port


@pytest.fixture
def credentials(store: NewStore) -> bytes:
    """A header line."""
    return f"Authorization: Bearer {store.token}\r\n".encode()
