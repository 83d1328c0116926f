"""A service, and a browser that watches what its pages do."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import NewPage, watched_pages
from tests.processes import Server

LOOKS = [(width, scheme) for width in (1440, 390) for scheme in ("light", "dark")]


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("site"))
    try:
        yield server.ready()
    finally:
        server.end()


@pytest.fixture
def new_page(browser: Browser, server: Server) -> Iterator[NewPage]:
    with watched_pages(browser, server.url) as new:
        yield new


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
