"""A dialect: everything that the shared rooms know of one API, as one value."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from image_service.pixels.picture import Format
from image_service.stores.rate_limit import Standing
from image_service.web.access.credentials import STANDARD, Scheme
from image_service.web.openapi.components import RATE_LIMIT
from image_service.web.problems import Problem, problem_of

SCOPE_KEY = "image_service.dialect"
MAX_REASON = 300  # characters of it in the log


@dataclass(frozen=True)
class RateHeaders:
    """How answers tell a store what is left of its calls."""

    of: Callable[[Standing], Mapping[str, str]]
    described: Mapping[str, Any]  # by name, as OpenAPI shows them
    unlimited: Mapping[str, str] = field(default_factory=dict)  # where no calls are counted, or it is not known whose


STANDARD_RATES = RateHeaders(
    lambda standing: {
        "X-Rate-Limit-Limit": str(standing.limit),
        "X-Rate-Limit-Remaining": str(standing.remaining),
        "X-Rate-Limit-Reset": str(standing.reset),  # milliseconds
    },
    RATE_LIMIT,
)


@dataclass(frozen=True)
class Dialect:
    """One API: its routes, and all that is particular to its answers.

    This value is all that a dialect has to give: credentials, rate limits, caching headers, the challenge of a 401,
    `Idempotency-Key`, metrics and logs follow from it.
    """

    name: str  # the label in metrics
    prefixes: tuple[str, ...]  # of the paths whose answers are its own; the longest prefix of all dialects decides
    router: APIRouter
    render: Callable[[Request, Problem], Response]  # status and body of an error, and headers of its own
    tags: Sequence[Mapping[str, Any]] = ()  # OpenAPI's
    title: str = ""  # of the platform whose clients speak it; empty: the service's own
    # Single paths that are its own, beside those with its prefixes: `/store`, or `/products/{id}/gallery` for any id.
    paths: frozenset[str] = frozenset()
    # And single operations, where another dialect has the path: `("PUT", "/products/{id}")`.
    operations: frozenset[tuple[str, str]] = frozenset()
    credentials: tuple[Scheme, ...] = STANDARD  # none: its routes are open to all
    challenge: str = 'Bearer realm="image-service"'  # `WWW-Authenticate` of a 401
    rates: RateHeaders = STANDARD_RATES
    has_capitals: bool = False  # in the names of its headers: some clients find them by no other spelling
    formats: tuple[Format, ...] | None = None  # of pictures that it takes; None: all that have a decoder
    # What clients put before the extension of a `src`, without the `_` -> pixels of a side, 0 for full size.
    read_size: Callable[[str], int | None] | None = None
    attachment: tuple[str, ...] | None = ("attachment",)  # where JSON bodies carry base64; None: it takes forms alone
    has_secrets: bool = False  # in answers that repeat what was sent, so that these are not compressed
    names_requests: bool = True  # each answer has `X-Request-Id`; False: only where the request had one

    texts: tuple[str, ...] = ()  # beginnings of paths, behind which any text stands, percent-encoded: `/things/{id}/`

    def has_text(self, raw_path: bytes) -> bool:
        """Whether this path may have percent signs: where a text stands, and only there."""
        matches = (pattern.match(raw_path.decode("latin-1")) for pattern in self._before_texts)
        return any(match is not None and "%" not in match[0] for match in matches)

    @cached_property
    def _before_texts(self) -> list[re.Pattern[str]]:
        return [_pattern(path) for path in self.texts]

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """What each answer has, unless its route says otherwise."""
        if not self.credentials:
            return {"Cache-Control": "no-cache"}
        vary = ", ".join(scheme.header.title() for scheme in self.credentials)
        return {"Cache-Control": "private, no-cache", "Vary": vary, **self.rates.unlimited}


class Dialects:
    """All of a service, by path and method. One has the prefix `""`: it words the answers for all other paths."""

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        whole = [(path, each) for each in dialects for path in each.paths]
        self._by_path = {path: each for path, each in whole if "{" not in path}
        some = [(method, path, each) for each in dialects for method, path in each.operations]
        some += [("", path, each) for path, each in whole if "{" in path]
        self._by_operation = [(method, _pattern(path), each) for method, path, each in some]
        by_prefix = [(prefix, each) for each in dialects for prefix in each.prefixes]
        self._by_prefix = sorted(by_prefix, key=lambda pair: -len(pair[0]))

    def of(self, path: str, method: str) -> Dialect:
        if (found := self._by_path.get(path)) is not None:
            return found
        for own, pattern, each in self._by_operation:
            if own in (method, "") and pattern.fullmatch(path):
                return each
        return next(each for prefix, each in self._by_prefix if path.startswith(prefix))


def _pattern(path: str) -> re.Pattern[str]:
    """Of a path with parameters: each matches one segment with any text."""
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{\w+\}", path))))


def dialect_of(scope: Scope) -> Dialect:
    """That of the request's path."""
    found: Dialect = scope[SCOPE_KEY]
    return found


def problem_response(request: Request, error: Exception) -> Response:
    """Any exception out of a route, in the words of the request's dialect, with the headers that every dialect has."""
    problem = problem_of(error)
    dialect = dialect_of(request.scope)
    request.scope["problem"] = f"{type(error).__name__} {error}".strip()[:MAX_REASON]  # for the log
    response = dialect.render(request, problem)
    shared = {"Problem": problem.code, **problem.headers}
    if problem.status == 401:
        shared["WWW-Authenticate"] = dialect.challenge
    for name, value in shared.items():
        response.headers.setdefault(name, value)
    return response
