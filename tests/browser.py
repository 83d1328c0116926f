"""Debian's Chromium under Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from tests.deploy.needs import program


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one without windows where it is installed: a page takes it a third of the processor time."""
    path = shutil.which("chromium-headless-shell") or program("chromium", "chromium-headless-shell")
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium has no sandbox of its own to offer; it sees nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
