"""For the tests of repeated requests."""

import pytest

from tests.api.repeated import HeldStorage
from tests.conftest import Service


@pytest.fixture
def held(service: Service) -> HeldStorage:
    """The shared blobs."""
    return HeldStorage(service.settings.data_dir / "blobs")
