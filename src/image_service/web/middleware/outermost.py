"""The outermost layer: settles the client's address, and adds to the answer what was noted on the way.

What `note` has noted is on every answer, whoever made it: a route, a dialect's error, the last resort for a bug.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from image_service.web.middleware.client_address import Networks, client_address

_NOTED = "image_service.answer_headers"


def note(scope: Scope, **headers: str) -> None:
    """Add headers to the answer of this request. Names are written with `_` for `-`."""
    scope.setdefault(_NOTED, {}).update({name.replace("_", "-"): value for name, value in headers.items()})


class Outermost:
    def __init__(self, app: ASGIApp, trusted_proxies: Networks) -> None:
        self._app = app
        self._trusted = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._trusted and scope.get("client"):
            peer, _ = scope["client"]
            forwarded = Headers(scope=scope).getlist("x-forwarded-for")
            scope["client"] = (client_address(peer, forwarded, self._trusted), 0)
        noted = scope.setdefault(_NOTED, {})

        async def adding(message: Message) -> None:
            if noted and message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in noted.items():
                    if name == "Vary":
                        headers.add_vary_header(value)
                    else:
                        headers[name] = value
            await send(message)

        await self._app(scope, receive, adding)
