"""Routes whose answers' schemas are built only for the OpenAPI document: they take longer than the rest of a route."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.utils import create_model_field
from starlette.routing import BaseRoute

_VERSION = re.compile(r"/([^/{]+)/\{store_id\}/")  # a prefix that names a store


def operation_id(route: APIRoute) -> str:
    """The function's name, plus the path's version if any: `list_images`, `list_images_v1`."""
    version = _VERSION.match(route.path_format)
    return f"{route.name}_{version[1].replace('-', '_')}" if version else route.name


class Route(APIRoute):
    """Hides the `model` of each of its `responses` from FastAPI until `describe_answers`."""

    def __init__(self, *args: Any, responses: dict[int | str, dict[str, Any]] | None = None, **options: Any) -> None:
        described = responses or {}
        self.models = {status: each["model"] for status, each in described.items() if "model" in each}
        plain = {
            status: {key: value for key, value in each.items() if key != "model"} for status, each in described.items()
        }
        super().__init__(*args, responses=plain, **options)


class Router(APIRouter):
    """Names its operations by `operation_id`."""

    def __init__(self, *, route_class: type[APIRoute] = Route, **options: Any) -> None:
        super().__init__(route_class=route_class, generate_unique_id_function=operation_id, **options)


def describe_answers(routes: Sequence[BaseRoute]) -> None:
    for context in iter_route_contexts(routes):
        if isinstance(context.original_route, Route):
            fields = {status: _field(model) for status, model in context.original_route.models.items()}
            context.response_fields.update(fields)


@cache
def _field(model: Any) -> Any:
    return create_model_field("Response", model, mode="serialization")
