"""Debian's Chromium under Playwright."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect, sync_playwright

from tests.deploy.needs import program
from tests.processes import DEADLINE

MILLISECONDS = DEADLINE * 1000  # for all that a page does by itself
expect.set_options(timeout=MILLISECONDS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The one without windows where it is installed: a page takes it a third of the processor time."""
    path = shutil.which("chromium-headless-shell") or program("chromium", "chromium-headless-shell")
    with sync_playwright() as playwright:
        # As root, as in containers, Chromium has no sandbox of its own to offer; it sees nothing but our own pages.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"], timeout=MILLISECONDS)
        yield browser
        browser.close()
