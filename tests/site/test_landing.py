"""The page at /: a version, a status that is true, and ways that lead somewhere."""

from collections.abc import Iterator
from importlib.metadata import version

import pytest
from playwright.sync_api import Page, expect

from tests.browser import NewPage
from tests.processes import Server
from tests.site.conftest import LOOKS, is_too_wide, violations


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_anybody_can_read_it(new_page: NewPage, width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("Ready")
    expect(page.get_by_text(f"Version {version('image-service')}")).to_be_visible()
    assert violations(page) == []
    assert not is_too_wide(page)


def test_the_gallery_is_found_with_a_slash_too(page: Page) -> None:
    page.goto("/gallery/#/products/7")
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.url.endswith("/gallery#/products/7")


def test_its_ways_lead_to_pages_for_people(page: Page) -> None:
    page.goto("/")
    for name in page.get_by_role("link").all_inner_texts():
        page.get_by_role("link", name=name.split("\n")[0]).click()
        expect(page.get_by_role("heading").first).to_be_visible()
        assert page.evaluate("document.contentType") == "text/html"
        page.goto("/")


def test_without_scripts_it_claims_nothing(new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    expect(page.get_by_role("status")).to_be_hidden()
    expect(page.get_by_role("link", name="API reference")).to_be_visible()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One of its own, which the last test ends."""
    server = Server(tmp_path_factory.mktemp("landing"))
    try:
        yield server.ready()
    finally:
        server.end()


@pytest.fixture
def without_blobs(server: Server) -> Iterator[None]:
    blobs = server.data / "blobs"
    away = blobs.rename(server.data / "away")
    blobs.touch()  # where the folder was, so that it is not made again
    yield
    blobs.unlink()
    away.rename(blobs)


@pytest.mark.usefixtures("without_blobs")
def test_what_is_wrong_is_said(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("Not ready: blob store not reachable or not writable")
    assert violations(page) == []


def test_a_service_that_is_gone(page: Page, server: Server) -> None:
    page.goto("/")
    expect(page.get_by_role("status")).to_have_text("Ready")
    server.end()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("status")).to_have_text("Not reachable")
