"""Null in every field whose description allows it: clients whose classes have all fields send it for the unset ones."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx

from image_service.stores.registry import NewStore
from tests.api.described import operation_of, operations
from tests.api.test_openapi import examples_of
from tests.ingest.server import ScriptedServer
from tests.shop import PRODUCT, added, page, png
from tests.sync.calls import GALLERY, outcomes


def with_a_null(schema: dict[str, Any], value: Any) -> Iterator[Any]:
    """The value, once for each nullable field at any depth, which is null in it."""
    if isinstance(value, list):
        for index, each in enumerate(value):
            for changed in with_a_null(schema["items"], each):
                yield [*value[:index], changed, *value[index + 1 :]]
    elif isinstance(value, dict):
        for name, field in schema.get("properties", {}).items():
            kinds = [field.get("type"), *(kind.get("type") for kind in field.get("anyOf", []))]
            if any(kind == "null" or "null" in (kind or ()) for kind in kinds):
                yield {**value, name: None}
            elif name in value:
                for changed in with_a_null(field, value[name]):
                    yield {**value, name: changed}


async def test_null_in_each_field_that_may_be_null(
    client: httpx.AsyncClient, store: NewStore, document: dict[str, Any], server: ScriptedServer
) -> None:
    server.pages["/photo.png"] = page(png())
    src = json.dumps({"src": server.url("/photo.png")})[1:-1]
    tried = set()
    for name, operation in operations(document):
        path, method = operation_of(name)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        for example in examples_of(body) if body else ():
            ids = {"store_id": store.store_id, "product_id": PRODUCT, "id": (await added(client))["id"]}
            for sent in with_a_null(body["schema"], example):
                content = re.sub(r'"src": "[^"]*"', src, json.dumps(sent))
                answer = await client.request(
                    method,
                    path.format(**ids, version="2026-01"),
                    content=content,
                    headers={"Content-Type": "application/json"},
                )
                assert answer.status_code < 500, (name, sent)
                tried.add(name)
    assert {"post /uploads", "put /products/{product_id}/gallery", "post /products", "put /products/{product_id}",
            "post /products/{product_id}/images"} <= tried  # fmt: skip


async def test_an_entry_with_null_in_all_other_fields(client: httpx.AsyncClient, server: ScriptedServer) -> None:
    server.pages["/photo.png"] = page(png())
    unset = {"id": None, "sha256": None, "filename": None, "alt": None}
    answer = await client.put(GALLERY, json={"images": [{**unset, "src": server.url("/photo.png")}]})
    assert (answer.status_code, outcomes(answer.json())) == (200, ["added"])
    image = answer.json()["images"][0]["id"]
    answer = await client.put(GALLERY, json={"images": [{**unset, "src": None, "id": image}]})
    assert (answer.status_code, outcomes(answer.json())) == (200, ["unchanged"])
