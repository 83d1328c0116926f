"""HEAD on every route that has GET (RFC 9110, 9.1): FastAPI's API routes lack it.

The route handles the request as GET, and the body is dropped. The route sees GET until it sends the answer's head, and
HEAD from then on, so it need not make the rest of a long body.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            scope["method"] = "HEAD"  # the server reads it too
            await send(message if message["type"] == "http.response.start" else {**message, "body": b""})

        scope["method"] = "GET"
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"range"]  # only for GET: RFC 9110, 14.2
        try:
            await self._app(scope, receive, without_body)
        finally:
            scope["method"] = "HEAD"
