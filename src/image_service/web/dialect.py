"""A dialect: all that shared code knows about one API, as one value."""

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
MAX_REASON = 300  # characters in the log


@dataclass(frozen=True)
class RateHeaders:
    """The headers that show a store its remaining calls."""

    of: Callable[[Standing], Mapping[str, str]]
    described: Mapping[str, Any]  # by name, as OpenAPI shows them
    unlimited: Mapping[str, str] = field(default_factory=dict)  # without limits, or for an unknown store


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
    """One API: its routes, and the specifics of its answers.

    A dialect provides only this value: credentials, rate limits, caching headers, the challenge of a 401,
    `Idempotency-Key`, metrics and logs follow from it.
    """

    name: str  # the label in metrics
    prefixes: tuple[str, ...]  # of its paths; the longest matching prefix of all dialects wins
    router: APIRouter
    render: Callable[[Request, Problem], Response]  # an error's status, body and own headers
    tags: Sequence[Mapping[str, Any]] = ()  # OpenAPI's
    title: str = ""  # of the clients' platform; empty: the service's own
    # Its single paths, besides those with its prefixes: `/store`, or `/products/{id}/gallery` for any id.
    paths: frozenset[str] = frozenset()
    # Its single operations on another dialect's paths: `("PUT", "/products/{id}")`.
    operations: frozenset[tuple[str, str]] = frozenset()
    credentials: tuple[Scheme, ...] = STANDARD  # empty: its routes are open to all
    challenge: str = 'Bearer realm="image-service"'  # `WWW-Authenticate` of a 401
    rates: RateHeaders = STANDARD_RATES
    has_capitals: bool = False  # in its header names: some clients need this spelling
    formats: tuple[Format, ...] | None = None  # accepted in uploads; None: all that have a decoder
    # The text before a `src`'s extension, without the `_` -> pixels of a side, 0 for full size.
    read_size: Callable[[str], int | None] | None = None
    attachment: tuple[str, ...] | None = ("attachment",)  # path of base64 in JSON bodies; None: forms only
    has_secrets: bool = False  # in answers that repeat the client's input: not compressed
    names_requests: bool = True  # each answer has `X-Request-Id`; False: only if the request has

    texts: tuple[str, ...] = ()  # path prefixes followed by percent-encoded text: `/things/{id}/`

    def has_text(self, raw_path: bytes) -> bool:
        """Whether this path's percent signs are all in its text."""
        matches = (pattern.match(raw_path.decode("latin-1")) for pattern in self._before_texts)
        return any(match is not None and "%" not in match[0] for match in matches)

    @cached_property
    def _before_texts(self) -> list[re.Pattern[str]]:
        return [_pattern(path) for path in self.texts]

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Default headers; a route may override them."""
        if not self.credentials:
            return {"Cache-Control": "no-cache"}
        vary = ", ".join(scheme.header.title() for scheme in self.credentials)
        return {"Cache-Control": "private, no-cache", "Vary": vary, **self.rates.unlimited}


class Dialects:
    """All dialects, by path and method. The one with the prefix `""` answers for all other paths."""

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
    """Of a path with parameters: each matches one segment."""
    return re.compile("[^/]+".join(map(re.escape, re.split(r"\{\w+\}", path))))


def dialect_of(scope: Scope) -> Dialect:
    """The request's dialect."""
    found: Dialect = scope[SCOPE_KEY]
    return found


def problem_response(request: Request, error: Exception) -> Response:
    """A route's exception as an answer in the request's dialect, with the headers common to all dialects."""
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
