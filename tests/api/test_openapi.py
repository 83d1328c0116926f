"""The API's description: whole, true to the seeds, and usable by a stranger."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator

from image_service.app import dialects_of
from image_service.dialects.tiendanube.examples import MEWTWO_GIF
from image_service.settings import Settings
from image_service.web.dialect import Dialects
from tests.api.described import operation_of, operations
from tests.conftest import Service

DIALECTS = Dialects(dialects_of(Settings()))


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
        assert "security" in operation or {"401", "503"} <= statuses, name
        assert is_open or name.startswith("get ") or "403" in statuses, name
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            assert "X-Request-Id" in response["headers"], (name, status)
            content = response.get("content", {})
            body = content.get("application/json") or content.get("application/problem+json")
            assert body is None or (body["schema"] and examples_of(body)), (name, status)
            if int(status) >= 400:
                assert body is not None, (name, status)


async def test_bodies_are_described_in_both_kinds(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if name.split()[0] in ("post", "put"):
            content = operation.get("requestBody", {}).get("content", {})
            if name in ("post /uploads", "post /uploads/{id}") or "/images" not in name:
                continue  # a ticket is asked for in JSON, its file is a form; what takes no picture takes JSON alone
            assert "multipart/form-data" in content, name
            file = content["multipart/form-data"]["schema"]["properties"]["file"]
            assert (file["type"], file["format"]) == ("string", "binary"), name
            if DIALECTS.of(*operation_of(name)).attachment is not None:
                assert content["application/json"]["schema"]["properties"], name
                assert examples_of(content["application/json"]), name


async def test_a_ticket_is_asked_for_in_json_and_its_file_is_a_form(document: dict[str, Any]) -> None:
    paths = document["paths"]
    asked = paths["/uploads"]["post"]["requestBody"]["content"]
    assert asked.keys() == {"application/json"}
    assert {"product_id", "files", "origins"} <= asked["application/json"]["schema"]["properties"].keys()
    assert examples_of(asked["application/json"])
    by_ticket = paths["/uploads/{id}"]["post"]
    sent = by_ticket["requestBody"]["content"]
    assert sent.keys() == {"multipart/form-data"}
    assert sent["multipart/form-data"]["schema"]["properties"]["file"]["format"] == "binary"
    assert by_ticket["security"] == [{}]
    assert {"expires", "signature"} <= {each["name"] for each in by_ticket["parameters"] if each.get("required")}
    assert "401" not in by_ticket["responses"]


async def test_three_ways_to_authenticate(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme.get("scheme") or scheme["name"] for scheme in schemes.values()} >= {
        "basic",
        "bearer",
        "Authentication",
    }
    assert [list(each) for each in document["security"]] == [["basic"], ["bearer"], ["authentication"]]
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
    attachment = next(iter(content["application/json"]["examples"].values()))["value"]  # what a form offers
    assert attachment["attachment"] == MEWTWO_GIF
    answer = await client.post("/products/1234/images", json=attachment)
    assert answer.status_code == 201


async def test_what_is_not_answered_is_not_described(printed: dict[str, Any]) -> None:
    assert not {"HTTPValidationError", "ValidationError"} & set(printed["components"]["schemas"])
    references = set(re.findall(r"#/components/(\w+)/(\w+)", json.dumps(printed)))
    described = {
        (kind, name)
        for kind, components in printed["components"].items()
        for name in components
        if kind != "securitySchemes"
    }
    assert references == described


async def test_examples_fit_their_schemas(document: dict[str, Any]) -> None:
    """Errors too: a client that reads them by the schema must not fall over what it is shown."""
    for name, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for media in body.get("content", {}).values():
                for example in examples_of(media):
                    Draft202012Validator(media["schema"]).validate(example)
        for parameter in operation.get("parameters", []):
            if "example" in parameter:
                Draft202012Validator(parameter["schema"]).validate(parameter["example"])
            assert parameter["in"] != "path" or "example" in parameter, (name, parameter["name"])


async def test_the_seeds_nulls_are_shown(document: dict[str, Any]) -> None:
    paths = document["paths"]
    (created,) = examples_of(paths["/v2/images.json"]["post"]["responses"]["200"]["content"]["application/json"])
    assert created == {"status": "OK", "id": "157324", "message": None}
    (orphan,) = examples_of(paths["/images/{id}"]["get"]["responses"]["200"]["content"]["application/json"])
    assert orphan["position"] is orphan["product_id"] is None
    for response in paths["/v2/images.json"]["post"]["responses"].values():
        shown = examples_of(response["content"]["application/json"])
        assert any(each.get("user_id") == "null" or each["status"] == "OK" for each in shown)


async def test_fields_makes_every_property_optional(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        if "fields" in {parameter["name"] for parameter in operation.get("parameters", [])}:
            status = "201" if name.startswith("post") else "200"
            schema = Draft202012Validator(operation["responses"][status]["content"]["application/json"]["schema"])
            image: dict[str, Any] = {"alt": None}
            plain = [image, [image], {"id": 1, "images": [image]}, [{"id": 1, "images_count": 1, "image": image}]]
            plain += [{"image": image}, {"images": [image]}, {"product": {}}, {"products": [{}]}]
            whole: dict[str, Any] = {"images": [image], "revision": 1}
            plain += [whole, whole | {"receipts": []}]
            assert any(schema.is_valid(body) for body in plain), name


async def test_headers_are_described_where_they_work(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        sent = {parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"}
        responses = operation["responses"]
        success = responses["201" if "201" in responses else "200"]["headers"]
        assert ("If-None-Match" in sent) == ("304" in responses), name
        assert ("If-Match" in sent) == ("412" in responses), name
        assert ("Range" in sent) == ("206" in responses) == ("416" in responses), name
        assert ("Idempotency-Key" in sent) == ("409" in responses and not name.startswith("delete")), name
        asked = {each["name"] for each in operation.get("parameters", [])}
        assert bool({"page", "page_info"} & asked) == ("Link" in success), name
        assert ("page" in asked) == ("X-Total-Count" in success), name
        assert ("201" in responses) == ("Location" in success), name
        assert "304" not in responses or "ETag" in success, name
        for status in {"409", "429", "503"} & responses.keys():
            assert "Operations" in operation["tags"] or "Retry-After" in responses[status]["headers"], (name, status)
        for status in responses.keys() - {"401"}:
            limited = DIALECTS.of(*operation_of(name)).rates.described.keys() <= responses[status]["headers"].keys()
            assert limited == (operation.get("security") != []), (name, status)
        assert "401" not in responses or "WWW-Authenticate" in responses["401"]["headers"], name


async def test_both_versioned_prefixes_are_described_in_the_same_words(printed: dict[str, Any]) -> None:
    def under(prefix: str, name: str) -> list[str]:
        found = [(where, described) for where, described in operations(printed) if f" /{prefix}/" in where]
        return [json.dumps(each).replace(name, "…").replace(prefix, "…") for each in found]

    assert under("v1", "_v1") == under("2025-03", "_2025_03")
    assert len(under("v1", "_v1")) > 10


async def test_operations_have_short_names_that_stay(document: dict[str, Any]) -> None:
    """Generated clients call their functions by them."""
    names = {where: operation["operationId"] for where, operation in operations(document)}
    assert max(map(len, names.values())) < 30
    for where, name in names.items():
        assert re.fullmatch("[a-z][a-z0-9_]+", name), where
    assert names["post /products/{product_id}/images"] == "create_image"
    assert names["post /v1/{store_id}/products/{product_id}/images"] == "create_image_v1"
    assert names["post /2025-03/{store_id}/products/{product_id}/images"] == "create_image_2025_03"
    assert names["post /v2/images.json"] == "bukalapak_create_image"
    assert names["get /stores/{path}"] == "get_picture"
