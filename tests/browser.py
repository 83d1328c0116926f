"""Debian's Chromium under Playwright, and what no page of the service may do in it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

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


NewPage = Callable[..., Page]


@contextmanager
def watched_pages(browser: Browser, url: str) -> Iterator[NewPage]:
    """Opens pages of the service at `url`, in contexts with the options that are given. No page may break its policy,
    leave an error uncaught, or ask another host.
    """
    wrong: list[str] = []
    own = (url, f"blob:{url}", "data:")
    with ExitStack() as contexts:

        def new(**options: Any) -> Page:
            context = contexts.enter_context(browser.new_context(**{"base_url": url, "locale": "en-GB", **options}))
            context.set_default_timeout(MILLISECONDS)
            page = context.new_page()
            page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda asked: None if asked.url.startswith(own) else wrong.append(asked.url))
            return page

        yield new
    assert wrong == []
