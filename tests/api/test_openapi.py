"""The API's description: whole, true to the seeds, and usable by a stranger."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from image_service.api.tiendanube_examples import MEWTWO_GIF
from tests.conftest import Service

METHODS = {"get", "post", "put", "delete"}


@pytest.fixture
async def document(anyone: httpx.AsyncClient) -> dict[str, Any]:
    answer = await anyone.get("/openapi.json")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def examples_of(content: dict[str, Any]) -> list[Any]:
    named = [each["value"] for each in content.get("examples", {}).values()]
    return named + ([content["example"]] if "example" in content else [])


def api_routes(routes: Iterable[Any]) -> Iterator[APIRoute]:
    """Those of routers within routers too."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from api_routes(route.original_router.routes)


async def test_every_route_is_described(service: Service, document: dict[str, Any]) -> None:
    """But the alias that one line of the document prints."""
    routes = list(api_routes(service.app.routes))
    hidden = {route.path for route in routes if not route.include_in_schema}
    shown = {route.path for route in routes if route.include_in_schema}
    assert hidden - shown == {"/product/{product_id}/images"}
    assert {"/" + path.rpartition("/")[2] for path in document["paths"]} >= {
        "/" + route.path_format.rpartition("/")[2] for route in routes
    }
    assert len(document["paths"]) > 25


async def test_every_operation_says_what_it_does_and_answers(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for name, operation in operations(document):
        assert operation["summary"], name
        assert len(operation["description"]) > 30, name
        assert operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], name
        statuses = set(operation["responses"])
        is_open = operation.get("security") == []
        assert is_open or {"401", "503"} <= statuses, name
        assert is_open or name.startswith("get ") or "403" in statuses, name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            assert "X-Request-Id" in response["headers"], (name, status)
            body = response.get("content", {}).get("application/json")
            assert body is None or body["schema"], (name, status)
            if body is not None and "Delivery" not in operation["tags"]:
                assert examples_of(body), (name, status)
            if int(status) >= 400:
                assert body is not None, (name, status)


async def test_bodies_are_described_in_both_kinds(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if name.split()[0] in ("post", "put"):
            content = operation["requestBody"]["content"]
            assert "multipart/form-data" in content, name
            file = content["multipart/form-data"]["schema"]["properties"]["file"]
            assert file == {"type": "string", "format": "binary"}
            if "Bukalapak" not in operation["tags"]:
                assert content["application/json"]["schema"]["properties"]["position"], name
                assert examples_of(content["application/json"]), name


async def test_three_ways_to_authenticate(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme.get("scheme") or scheme["name"] for scheme in schemes.values()} == {
        "basic",
        "bearer",
        "Authentication",
    }
    assert [list(each) for each in document["security"]] == [[name] for name in schemes]
    open_tags = {
        tag for _, operation in operations(document) if operation.get("security") == [] for tag in operation["tags"]
    }
    assert open_tags == {"Delivery", "Operations"}


async def test_the_examples_are_the_seeds(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for printed in (
        "servine-640-0.jpg",
        "onyx-640-0.jpg",
        "stoutland-640-0.jpg",
        "charmander-640-0.jpg",
        "mewtwo-640-0.gif",
        "http://example.com/charmander.jpg",
        '"Harus berupa file gambar"',
        '"157324"',
        "1838301",
        "Can't delete another user's image",
    ):
        assert printed in text, printed


async def test_the_examples_work_as_they_stand(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    content = document["paths"]["/products/{product_id}/images"]["post"]["requestBody"]["content"]
    attachment = content["application/json"]["examples"]["attachment"]["value"]
    assert attachment["attachment"] == MEWTWO_GIF
    answer = await client.post("/products/1234/images", json=attachment)
    assert answer.status_code == 201


async def test_what_is_not_answered_is_not_described(document: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(document["components"]["schemas"])
    references = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert references <= set(document["components"]["schemas"])
