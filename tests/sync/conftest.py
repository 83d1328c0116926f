"""A shop whose pictures are synced."""

import pytest

from tests.ingest.server import ScriptedServer
from tests.sync.host import Shop


@pytest.fixture
def shop(server: ScriptedServer) -> Shop:
    return Shop(server)
