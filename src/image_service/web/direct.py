"""Routes that answer ahead of FastAPI's solving of dependencies, which takes longer than all the rest of a hot one."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

Ahead = Callable[[Request], Awaitable[Response | None]]


def answered_by(ahead: Ahead) -> type[APIRoute]:
    """For `APIRouter(route_class=…)`: `ahead` answers, or leaves the request (None) to the route's own function, which
    stands for both in the API's description.
    """

    class DirectRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            whole = super().get_route_handler()

            async def answer(request: Request) -> Response:
                return await ahead(request) or await whole(request)

            return answer

    return DirectRoute
