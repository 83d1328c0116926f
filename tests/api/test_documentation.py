import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from image_service.site.documentation import add_documentation
from tests.conftest import Service

JAVASCRIPT = ("text/javascript", "application/javascript")  # either, depending on the Python


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI(title="Images & <more>", docs_url=None, redoc_url=None)
    add_documentation(app)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_the_page_needs_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Images &amp; &lt;more&gt;</title>" in page.text
    assert "//" not in page.text  # no URL with a host
    assert not re.search(r"<script(?![^>]* src=)|<style|\son[a-z]+=|\sstyle=", page.text)  # nothing inline
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_what_the_page_refers_to_is_there(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    references = re.findall(r'(?:src|href|data-openapi)="([^"]*)"', page.text)
    types = {}
    for reference in references:
        answer = await client.get(page.url.join(reference))
        assert answer.status_code == 200
        types[reference.rpartition("/")[2]] = answer.headers["content-type"].partition(";")[0]
        if reference.startswith("docs/"):
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert {types.pop("swagger-ui-bundle.js"), types.pop("docs.js")} <= set(JAVASCRIPT)
    assert types == {
        "favicon-32x32.png": "image/png",
        "swagger-ui.css": "text/css",
        "openapi.json": "application/json",
    }


@pytest.mark.parametrize("path", ["/docs/static/../api/documentation.py", "/docs/static/%2e%2e/errors.py"])
async def test_nothing_else_of_the_package_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_the_page_is_no_part_of_the_schema(client: httpx.AsyncClient) -> None:
    assert (await client.get("/openapi.json")).json()["paths"] == {}


async def test_the_description_is_made_once(anyone: httpx.AsyncClient, service: Service) -> None:
    """It takes a tenth of a second, and needs no token: so whoever has it is told so, and nobody has it made again."""
    first = await anyone.get("/openapi.json")
    assert (first.status_code, first.headers["content-type"]) == (200, "application/json")
    assert first.json() == service.app.openapi()
    service.app.openapi_schema, before = None, service.app.openapi_schema
    try:
        same = await anyone.get("/openapi.json", headers={"If-None-Match": first.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
        assert same.headers["etag"] == first.headers["etag"]
        assert (await anyone.get("/openapi.json")).content == first.content
        assert service.app.openapi_schema is None
    finally:
        service.app.openapi_schema = before
