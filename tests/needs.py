"""Programs and libraries that a user's machine may lack, and the project's own checks may not."""

import os

import pytest


def needs(is_there: bool, what: str) -> pytest.MarkDecorator:
    """Skips where it is absent, but not in CI: there the test fails, and says so by itself."""
    return pytest.mark.skipif(not is_there and os.environ.get("CI") != "true", reason=f"{what} is not installed")


def require(is_there: bool, what: str) -> None:
    """The same for a fixture."""
    if not is_there:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{what} is not installed")
