"""Pictures that have to be drawn, or refused, before the framework hears of them.

`delivery.deliver` is their route, and answers here too. A refusal is to cost next to nothing: under a load of ten times
what can be drawn, nine of ten answers are one, and solving the route's dependencies takes as long as all the rest.
"""

from collections.abc import Callable
from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from image_service.delivery.routes import DIALECT, ROUTE, deliver
from image_service.errors import ImageServiceError

_ROUTE = SimpleNamespace(path_format=ROUTE)  # what logs and metrics look for


class PicturesAhead:
    def __init__(self, app: ASGIApp, render: Callable[[Request, Exception], Response]) -> None:
        """`render` words an error in the dialect of the request's path."""
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_asked_for(scope):
            await self._app(scope, receive, send)
            return
        scope["route"], scope["path_params"] = _ROUTE, {}
        request = Request(scope, receive)
        try:
            response = await deliver(request, scope["app"].state.parts)
        except ImageServiceError as error:
            response = self._render(request, error)
        await response(scope, receive, send)


def _is_asked_for(scope: Scope) -> bool:
    """Without a percent sign: what needs none has one spelling, and the framework says so."""
    if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
        return False
    path: str = scope["path"]
    return path.startswith(DIALECT.prefix) and scope["raw_path"] == path.encode()
