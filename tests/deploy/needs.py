"""What a test needs beside python3, pip and make. Where it is absent the test is skipped, but never in CI."""

import os
import shutil

import pytest


def need(found: object, what: str) -> None:
    """Skip the test unless `found`; fail it where the environment says CI=true."""
    if found:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have {what}")
    pytest.skip(f"needs {what}")


def program(name: str, package: str) -> str:
    """Where a program is; `package` is what brings it."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    need(found, f"{name} (Debian: {package})")
    assert found
    return found
