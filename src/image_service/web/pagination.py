"""Pages of a list: the requested one, and the headers that link to the others (RFC 8288)."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from pydantic import Field

from image_service.web.numbers import MAX_ID, PLAIN

DEFAULT_PER_PAGE = 30
DEFAULT_PRODUCTS_PER_PAGE = 50
MAX_PER_PAGE = 200
MAX_PAGE = 10_000_000  # times MAX_PER_PAGE, it fits PostgreSQL's OFFSET


@dataclass(frozen=True)
class Pagination:
    page: int
    per_page: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.per_page

    def headers(self, request: Request, base: str, total: int) -> dict[str, str]:
        """`X-Total-Count`, and `Link` with first, prev, next, last where they apply.

        `base` is the API's URL; `Host` is never used.
        """
        last = max(1, -(-total // self.per_page))
        pages = {
            "first": 1 if self.page > 1 else None,
            "prev": min(self.page - 1, last) if self.page > 1 else None,
            "next": self.page + 1 if self.page < last else None,
            "last": last if self.page < last else None,
        }
        headers = {"X-Total-Count": str(total)}
        if last == self.page == 1:
            return headers
        query = [(name, value) for name, value in request.query_params.multi_items() if name != "page"]
        links = [
            f'<{base}{request.url.path}?{urlencode([*query, ("page", page)])}>; rel="{rel}"'
            for rel, page in pages.items()
            if page is not None
        ]
        return headers | {"Link": ", ".join(links)}


def _asked(default: int) -> Callable[..., Awaitable[Pagination]]:
    async def asked(
        page: Annotated[int, Field(ge=1, le=MAX_PAGE), PLAIN, Query(description="Page to show, from 1.")] = 1,
        per_page: Annotated[
            int,
            Field(ge=1, le=MAX_ID),
            PLAIN,
            Query(description=f"Amount of results; more than {MAX_PER_PAGE} is taken as {MAX_PER_PAGE}."),
        ] = default,
    ) -> Pagination:
        return Pagination(page, min(per_page, MAX_PER_PAGE))

    return asked


PageAsked = Annotated[Pagination, Depends(_asked(DEFAULT_PER_PAGE))]
ProductsPageAsked = Annotated[Pagination, Depends(_asked(DEFAULT_PRODUCTS_PER_PAGE))]
