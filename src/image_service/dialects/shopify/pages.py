"""Cursor pagination: `limit`, `page_info`, and the header `Link`."""

import base64
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import Field
from starlette.exceptions import HTTPException

from image_service.errors import InvalidField
from image_service.web.numbers import MAX_ID, PLAIN

DEFAULT_LIMIT = 50
MAX_LIMIT = 250
MAX_IDS = 250  # in `ids`
NO_IDS = "must be ids, separated by commas"
NO_PAGES = "cannot be passed: follow the next and previous URLs of the header Link, which have a page_info"
NO_CURSOR = "is none that a Link of this list had"

_NUMBER = "0|[1-9][0-9]{0,18}"
_ID = "[1-9][0-9]{0,18}"
_IDS = f"{_ID}(,{_ID}){{0,{MAX_IDS - 1}}}"
_CURSOR = re.compile(
    rf"(?P<by>id|position) (?P<way>before|after) (?P<number>{_NUMBER})"
    rf"(?: since (?P<since>{_NUMBER}))?(?: of (?P<ids>{_IDS}))?"
)


def ids_of(text: str) -> tuple[int, ...]:
    """The ids in a list with commas, by size. Those beyond 64 bits name nothing. Raises `InvalidField`."""
    ids = [each for each in text.replace(" ", "").split(",") if each]
    if not ids or not all(re.fullmatch(_ID, each) for each in ids):
        raise InvalidField("ids", NO_IDS)
    if len(ids) > MAX_IDS:
        raise InvalidField("ids", f"is too long (maximum is {MAX_IDS} entries)")
    return tuple(sorted({int(each) for each in ids if int(each) <= MAX_ID}))


class PageNumber(HTTPException):
    """`page`, of the API's versions before cursors. Clients that count pages would get the first one for ever."""

    def __init__(self) -> None:
        super().__init__(400)


@dataclass(frozen=True)
class Chosen:
    """What a list shows, on all of its pages."""

    by: str  # its order: `id` or `position`
    since: int = 0  # only items with a greater id
    ids: tuple[int, ...] | None = None  # only items with one of these ids; None: any


@dataclass(frozen=True)
class Cursor:
    """Where a page begins or ends. The item with this number is not on it."""

    of: Chosen
    way: str  # `after` or `before`
    number: int

    def __str__(self) -> str:
        plain = f"{self.of.by} {self.way} {self.number}" + (f" since {self.of.since}" if self.of.since else "")
        plain += "" if self.of.ids is None else f" of {','.join(map(str, self.of.ids))}"
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, page_info: str) -> "Cursor":
        """Raises `InvalidField` unless this API made it for a `Link`."""
        try:
            plain = base64.urlsafe_b64decode(page_info.encode() + b"==").decode()
        except ValueError:  # not ASCII, not base64, not UTF-8
            plain = ""
        match = _CURSOR.fullmatch(plain)
        found = None
        if match is not None:
            chosen = Chosen(match["by"], int(match["since"] or 0), ids_of(match["ids"]) if match["ids"] else None)
            found = cls(chosen, match["way"], int(match["number"]))
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
        str | None,
        Query(description="The page, as in a `Link`. It has `since_id` and `ids` in it; others are ignored."),
    ] = None,
    fields: Annotated[str | None, Query(description="Properties to show, separated by commas.")] = None,
    page: Annotated[str | None, Query(include_in_schema=False)] = None,
) -> Paging:
    """Raises `PageNumber`, `InvalidField`."""
    if page is not None:
        raise PageNumber
    return Paging(
        None if limit is None else min(limit, MAX_LIMIT), Cursor.parse(page_info) if page_info else None, fields
    )


IdsAsked = Annotated[
    str | None,
    Query(
        description=f"Only the products with these ids, separated by commas: {MAX_IDS} at most.",
        examples=["1234,5678"],
        json_schema_extra={"pattern": f"^{_IDS}$"},
    ),
]
PageAsked = Annotated[Paging, Depends(_paging)]
