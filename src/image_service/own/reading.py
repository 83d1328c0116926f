"""Ids in paths and pages of lists, for all routes of the service's own API."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from fastapi import Path, Request
from starlette.responses import JSONResponse, Response

from image_service.errors import ImageServiceError
from image_service.web.pagination import Pagination
from image_service.web.parts import Parts

HEX = "[0-9a-f]{32}"
_ID = re.compile(HEX)


def id_in_path(description: str, example: str, prefix: str = "") -> Any:
    """A path parameter; `uuid_of` parses it."""
    return Path(description=description, json_schema_extra={"pattern": f"^{prefix}{HEX}$"}, examples=[example])


def uuid_of(id: str, missing: type[ImageServiceError], prefix: str = "") -> UUID:
    """Raises `missing` for a malformed id, as for one that does not exist."""
    hex = id.removeprefix(prefix)
    if id != prefix + hex or not _ID.fullmatch(hex):
        raise missing
    return UUID(hex)


def page_of(request: Request, parts: Parts, paging: Pagination, total: int, shown: Sequence[Any]) -> Response:
    """A page of a list, with the headers that link the others."""
    return JSONResponse(list(shown), headers=paging.headers(request, parts.api_base, total))
