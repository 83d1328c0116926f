"""The page at /docs shows all that /openapi.json says, each operation once."""

import json
from typing import Any

import httpx
import pytest

from image_service.site.reference.page import render
from image_service.site.reference.repeats import METHODS
from tests.conftest import API
from tests.site.html import Element, elements


@pytest.fixture
async def document(anyone: httpx.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await anyone.get("/openapi.json")).json()
    return found


@pytest.fixture
async def shown(anyone: httpx.AsyncClient) -> list[Element]:
    return elements((await anyone.get("/docs")).text)


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method.upper(), each)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
        if method in METHODS
    ]


def resolved(document: dict[str, Any], place: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in place:
        _, _, kind, name = place["$ref"].split("/")
        place = document["components"][kind][name]
    return place


def by_id(shown: list[Element]) -> dict[str, Element]:
    found = {each.attributes["id"]: each for each in shown if "id" in each.attributes}
    assert len(found) == len([each for each in shown if "id" in each.attributes])  # each id once
    return found


def words(text: str) -> str:
    """Without the marks of Markdown, which the page does not show."""
    return " ".join(text.replace("`", "").replace("*", "").split())


async def test_every_operation_is_there_with_its_method_and_its_whole_path(
    document: dict[str, Any], shown: list[Element]
) -> None:
    places = by_id(shown)
    for path, method, each in operations(document):
        assert f"{method} {path}" in words(places[each["operationId"]].text)


async def test_what_answers_under_several_prefixes_is_there_once(
    document: dict[str, Any], shown: list[Element]
) -> None:
    articles = {each.attributes["id"] for each in shown if each.tag == "article"}
    repeating = {tag["name"] for tag in document["tags"] if "x-repeats" in tag}
    first = {each["operationId"] for _, _, each in operations(document) if each["tags"][0] not in repeating}
    assert repeating
    assert first <= articles
    assert articles - first == {"name_product_v1", "get_product_by_sku_v1"}  # the prefixes have them alone
    text = words(shown[0].text)
    for prefix in ("/v1/{store_id}", "/2025-03/{store_id}", "/admin/api/{version}", "/admin"):
        assert f" {prefix} " in text


async def test_parameters_bodies_answers_and_examples_are_there(document: dict[str, Any], shown: list[Element]) -> None:
    places = by_id(shown)
    for _, _, each in operations(document):
        article = places[each["operationId"]]
        if article.tag != "article":
            continue
        said, whole = words(article.text), article.text
        for parameter in each.get("parameters", ()):
            described = resolved(document, parameter)
            assert described["name"] in said
            assert words(described["description"]) in said
        for media_type, content in each.get("requestBody", {}).get("content", {}).items():
            assert media_type in said
            assert {*resolved(document, content["schema"])["properties"]} <= set(said.split())
            for example in content.get("examples", {}).values():
                assert example["summary"] in said
                assert json.dumps(example["value"], indent=2, ensure_ascii=False) in whole
        for status, answer in each["responses"].items():
            assert f"{status} {words(resolved(document, answer)['description'])}" in said


async def test_what_routes_share_is_there_once(document: dict[str, Any], shown: list[Element]) -> None:
    places = by_id(shown)
    components = document["components"]
    for name, answer in components["responses"].items():
        text = places[f"answer-{name}"].text
        for content in answer.get("content", {}).values():
            values = [content["example"]] if "example" in content else []
            values += [each["value"] for each in content.get("examples", {}).values()]
            for value in values:
                assert json.dumps(value, indent=2, ensure_ascii=False) in text
    for name, schema in components["schemas"].items():
        assert {*schema.get("properties", ())} <= set(places[f"schema-{name}"].text.split())
    for name in components["securitySchemes"]:
        assert f"scheme-{name}" in places
    assert "header-Problem" in places


async def test_links_within_the_page_lead_somewhere(shown: list[Element]) -> None:
    links = {each.attributes["href"] for each in shown if each.tag == "a"}
    assert {each[1:] for each in links if each.startswith("#")} <= by_id(shown).keys()
    guides = {"guides/", "guides/tiendanube", "guides/shopify", "guides/bukalapak", "guides/uploads"}
    assert {each for each in links if not each.startswith("#")} >= {".", "gallery", "openapi.json", *guides}


async def test_the_server_is_named(shown: list[Element]) -> None:
    text = words(shown[0].text)
    assert f"Server {API} " in text
    assert f"{API}/products/1234/images" in text


async def test_a_route_that_was_just_written_is_there() -> None:
    """Its tag is not listed, and it has no summary. Nothing of it is taken for HTML."""
    route = {
        "operationId": "list_things",
        "tags": ["Things"],
        "description": "All <b>things</b>.",
        "externalDocs": {"url": "guides/things/", "description": "About things"},
        "responses": {"200": {"description": "They <i>are</i>."}},
    }
    repeated = {**route, "operationId": "other", "tags": ["Things again"]}
    document = {
        "info": {"title": "Things & <more>", "version": "1"},
        "tags": [{"name": "Things again", "x-repeats": "Things"}],
        "paths": {"/things": {"get": route}, "/again/things": {"get": repeated}},
    }
    shown = elements(render(document, "http://example.com", has_gallery=False))
    places = by_id(shown)
    assert "All <b>things</b>." in places["list_things"].text
    assert "They <i>are</i>." in places["list_things"].text
    assert "/again/things" in places["other"].text
    assert [each.text for each in shown if each.attributes.get("href") == "guides/things/"] == ["About things"] * 2
    assert shown[0].text.strip().startswith("Things & <more>")
