"""Fixtures of the API's tests that serve here too."""

from tests.api.conftest import held

__all__ = ["held"]
