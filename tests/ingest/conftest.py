from collections.abc import AsyncIterator

import pytest

from tests.ingest.server import ScriptedServer


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with ScriptedServer() as server:
        yield server
