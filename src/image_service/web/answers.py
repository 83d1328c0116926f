"""A finished answer of JSON, apart from whether this client has it already."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from image_service.web import etags


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # an `ETag` among them
    body: bytes

    def with_body(self, body: bytes) -> "Answer":
        return replace(self, body=body)

    def to(self, request: Request) -> Response:
        """304 where the client has it."""
        if request.method == "GET" and etags.is_current(request, self.headers["ETag"]):
            return Response(status_code=304, headers=self.headers)
        return Response(self.body, self.status, self.headers, "application/json")
