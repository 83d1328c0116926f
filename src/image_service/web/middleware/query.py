"""Drops empty query parameters (`since_id=`): clients fill in a template of all parameters."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Query:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (query := scope["query_string"]):
            scope["query_string"] = b"&".join(each for each in query.split(b"&") if each.partition(b"=")[2])
        await self._app(scope, receive, send)
