"""The service's own pages: what they are sent with, and that they can be left out."""

import re

import httpx
import pytest

from tests.conftest import DELIVERY, StartService

PAGES = ["/", "/gallery", "/docs", "/guides/", "/guides/operations/tls"]


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_html_and_strict(anyone: httpx.AsyncClient, path: str) -> None:
    page = await anyone.get(path)
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))
    assert "unsafe" not in policy
    # Nothing inline, and no URL with a host but in a hint to type one.
    assert not re.search(
        r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=|(?:src=|<link[^>]* href=)\"[a-z]*:?//", page.text
    )
    again = await anyone.get(path, headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = await anyone.head(path)
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("path", PAGES)
async def test_what_a_page_refers_to_is_there(anyone: httpx.AsyncClient, path: str) -> None:
    page = await anyone.get(path)
    for reference in re.findall(r'(?:src|href)="(?![a-z]+://)([^"#]+)"', page.text):
        answer = await anyone.get(page.url.join(reference))
        assert answer.status_code == 200, reference
        if "static" in reference:
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_page_that_was_open_during_an_upgrade_gets_its_files(anyone: httpx.AsyncClient) -> None:
    page = await anyone.get("/gallery")
    [now] = set(re.findall(r"gallery/static/([0-9a-f]{12})/", page.text))
    file = await anyone.get(f"/gallery/static/{now}/js/main.js")
    for path in ("/gallery/static/0123456789ab/js/main.js", "/gallery/static/js/main.js"):
        answer = await anyone.get(path)
        assert (answer.content, answer.headers["cache-control"]) == (file.content, "no-cache")
        again = await anyone.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert (await anyone.post(f"/gallery/static/{now}/js/main.js")).status_code == 405


async def test_only_pictures_may_come_from_elsewhere(anyone: httpx.AsyncClient) -> None:
    policy = (await anyone.get("/gallery")).headers["content-security-policy"].split("; ")
    assert f"img-src 'self' {DELIVERY} blob:" in policy
    assert {"script-src 'self'", "style-src 'self'", "connect-src 'self'"} <= set(policy)


async def test_the_gallery_can_be_left_out(start_service: StartService) -> None:
    async with start_service(gallery=False) as service, service.client() as anyone:
        assert (await anyone.get("/gallery")).status_code == 404
        landing = await anyone.get("/")
        assert landing.status_code == 200
        assert 'href="gallery"' not in landing.text
        assert 'href="docs"' in landing.text


async def test_pages_are_no_part_of_the_api(anyone: httpx.AsyncClient) -> None:
    described = (await anyone.get("/openapi.json")).json()["paths"]
    assert not {*PAGES, "/gallery/static"} & described.keys()
    refused = await anyone.post("/gallery")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path",
    [
        "/gallery/static/../README.md",
        "/gallery/static/%2e%2e/sample.jpg",
        "/docs/static/../gallery/gallery.html",
        "/docs/static/%2e%2e/sample.jpg",
        "/gallery/static/",
        "/gallery/static/0123456789ab/",
        "/gallery/static/0123456789ab/../README.md",
    ],
)
async def test_nothing_else_of_the_package_is_served(anyone: httpx.AsyncClient, path: str) -> None:
    assert (await anyone.get(path)).status_code == 404
