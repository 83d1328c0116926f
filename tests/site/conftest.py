"""A service, and a browser that watches what its pages do."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import MILLISECONDS, chromium
from tests.processes import Server

LOOKS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("site"))
    try:
        yield server.ready()
    finally:
        server.end()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, server: Server) -> Iterator[NewPage]:
    """Opens pages of contexts with the options that are given. No page may break its policy, leave an error to nobody,
    or ask another host.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def new(**options: Any) -> Page:
        context = browser.new_context(base_url=server.url, locale="en-GB", **options)
        context.set_default_timeout(MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        own = (server.url, f"blob:{server.url}", "data:")
        page.on("request", lambda asked: None if asked.url.startswith(own) else wrong.append(asked.url))
        return page

    yield new
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(viewport={"width": 1440, "height": 900})


def violations(page: Page) -> list[str]:
    """What axe finds wrong, and where."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def is_too_wide(page: Page) -> bool:
    """It would scroll sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
