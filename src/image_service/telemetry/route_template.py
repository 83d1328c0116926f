"""The name of the route that has answered, as logs and metrics have it: never the path, of which there is no end."""

from starlette.types import Scope

NO_ROUTE = "none"  # nothing of ours, or a page that is not in the API's description
OTHER_METHOD = "other"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_template(scope: Scope) -> str:
    """`/v1/{store_id}/products/{product_id}/images` and the like, of a scope that the application is done with.

    FastAPI notes the route without the prefix that its router was included under: what the path has before it, with the
    names of the parameters in the place of their values.
    """
    template: str | None = getattr(scope.get("route"), "path_format", None)
    if template is None:
        return NO_ROUTE
    path: str = scope["path"]
    parameters = {name: value for name, value in scope["path_params"].items() if f"{{{name}}}" not in template}
    if not parameters:  # no prefix of ours is without one
        return template
    prefix = path.split("/")[: -template.count("/")]
    names = {str(value): f"{{{name}}}" for name, value in parameters.items()}
    return "/".join(names.get(segment, segment) for segment in prefix) + template


def method_label(scope: Scope) -> str:
    """The method as a label: one of a few, also where a client invents one."""
    method: str = scope["method"]
    return method if method in METHODS else OTHER_METHOD
