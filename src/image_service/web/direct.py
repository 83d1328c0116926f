"""Routes that answer before FastAPI resolves dependencies, which takes longer than the rest of a hot route."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from image_service.web.openapi.routes import Route

Ahead = Callable[[Request], Awaitable[Response | None]]


def answered_by(ahead: Ahead) -> type[Route]:
    """For `Router(route_class=…)`: `ahead` answers, or returns None to pass the request to the route's function,
    which OpenAPI describes for both.
    """

    class DirectRoute(Route):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            whole = super().get_route_handler()

            async def answer(request: Request) -> Response:
                return await ahead(request) or await whole(request)

            return answer

    return DirectRoute
