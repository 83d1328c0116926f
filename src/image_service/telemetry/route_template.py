"""The route's name for logs and metrics: never the path, since the number of paths is unbounded."""

from starlette.types import Scope

NO_ROUTE = "none"  # no route, or a page that is not in the OpenAPI document
OTHER_METHOD = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: Scope) -> str:
    """Such as `/v1/{store_id}/products/{product_id}/images`, from the scope of an answered request.

    FastAPI's route lacks its router's prefix. The prefix is restored from the path, with parameter names in place of
    values.
    """
    template: str | None = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return NO_ROUTE
    path: str = scope["path"]
    parameters = {name: value for name, value in scope["path_params"].items() if f"{{{name}}}" not in template}
    if not parameters:  # every prefix has one
        return template
    prefix = path.split("/")[: -template.count("/")]
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(segment, segment) for segment in prefix) + template


def method_label(scope: Scope) -> str:
    """The method as a label: one of a few, even for an unknown method."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD
