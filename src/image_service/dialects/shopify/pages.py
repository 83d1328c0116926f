"""Cursor pagination: `limit`, `page_info`, and the header `Link`."""

import base64
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import Field

from image_service.errors import InvalidField
from image_service.web.numbers import MAX_ID, PLAIN

DEFAULT_LIMIT = 50
MAX_LIMIT = 250
NO_CURSOR = "is none that a Link of this list had"

_NUMBER = "(0|[1-9][0-9]{0,18})"
_CURSOR = re.compile(rf"(id|position) (before|after) {_NUMBER}(?: since {_NUMBER})?")


@dataclass(frozen=True)
class Chosen:
    """What a list shows, on all of its pages."""

    by: str  # its order: `id` or `position`
    since: int = 0  # only items with a greater id


@dataclass(frozen=True)
class Cursor:
    """Where a page begins or ends. The item with this number is not on it."""

    of: Chosen
    way: str  # `after` or `before`
    number: int

    def __str__(self) -> str:
        plain = f"{self.of.by} {self.way} {self.number}" + (f" since {self.of.since}" if self.of.since else "")
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, page_info: str) -> "Cursor":
        """Raises `InvalidField` unless this API made it for a `Link`."""
        try:
            plain = base64.urlsafe_b64decode(page_info.encode() + b"==").decode()
        except ValueError:  # not ASCII, not base64, not UTF-8
            plain = ""
        match = _CURSOR.fullmatch(plain)
        found = cls(Chosen(match[1], int(match[4] or 0)), match[2], int(match[3])) if match else None
        if found is None or max(found.number, found.of.since) > MAX_ID or str(found) != page_info:
            raise InvalidField("page_info", NO_CURSOR)
        return found


@dataclass(frozen=True)
class Paging:
    """The page that a request asks for."""

    limit: int | None  # None: not given
    cursor: Cursor | None
    fields: str | None

    def links(
        self, request: Request, base: str, chosen: Chosen, ends: tuple[int, int], *, has_previous: bool, has_next: bool
    ) -> dict[str, str]:
        """The header `Link`, if there are other pages. `ends` are the numbers of the first and last on this one; `base`
        is the API's own URL.
        """
        cursors = {
            "previous": Cursor(chosen, "before", ends[0]) if has_previous else None,
            "next": Cursor(chosen, "after", ends[1]) if has_next else None,
        }
        query = {"limit": self.limit, "fields": self.fields}
        given = {name: value for name, value in query.items() if value is not None}
        # Clients split at ", " and "; ". URLs contain neither.
        links = [
            f'<{base}{request.url.path}?{urlencode({**given, "page_info": str(cursor)})}>; rel="{rel}"'
            for rel, cursor in cursors.items()
            if cursor is not None
        ]
        return {"Link": ", ".join(links)} if links else {}


async def _paging(
    limit: Annotated[
        int | None,
        Field(ge=1, le=MAX_ID),
        PLAIN,
        Query(description=f"Results on a page; more than {MAX_LIMIT} is taken as {MAX_LIMIT}."),
    ] = None,
    page_info: Annotated[
        str | None, Query(description="The page, as in a `Link`. With it `since_id` is ignored: `page_info` has it.")
    ] = None,
    fields: Annotated[str | None, Query(description="Properties to show, separated by commas.")] = None,
) -> Paging:
    return Paging(
        None if limit is None else min(limit, MAX_LIMIT), Cursor.parse(page_info) if page_info else None, fields
    )


PageAsked = Annotated[Paging, Depends(_paging)]
