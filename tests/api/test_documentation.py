"""The API's description and the page that shows it, as they are sent."""

import httpx

from tests.conftest import Service


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


async def test_the_page_is_made_once(anyone: httpx.AsyncClient, service: Service) -> None:
    first = await anyone.get("/docs")
    service.app.openapi_schema, before = {"info": {"title": "another", "version": ""}}, service.app.openapi_schema
    try:
        assert (await anyone.get("/docs")).content == first.content
    finally:
        service.app.openapi_schema = before
