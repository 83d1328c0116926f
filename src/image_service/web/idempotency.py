"""`Idempotency-Key` on a POST: a repeat gets the first answer, byte for byte, instead of a second image."""

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from image_service.errors import KeyRefused
from image_service.images.idempotency import Once, StoredAnswer
from image_service.web.bodies.uploads import Submission
from image_service.web.openapi.components import MAX_KEY
from image_service.web.parts import Parts

_KEY = re.compile(rf"[\x20-\x7e]{{1,{MAX_KEY}}}", re.ASCII)
_OURS_ALONE = {"content-length"}  # set by the server


def key_of(request: Request) -> str | None:
    """The request's key, if any. Raises `KeyRefused`."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    if len(given) > 1 or not _KEY.fullmatch(given[0]):
        raise KeyRefused(f"must be 1 to {MAX_KEY} printable ASCII characters")
    return given[0]


Made = TypeVar("Made")


@dataclass(frozen=True)
class Run(Generic[Made]):
    """Either `answered` already, or to be done `once` (None: no key, so every time)."""

    answered: Response | None = None
    once: Once[Made] | None = None


@asynccontextmanager
async def idempotent(
    request: Request,
    parts: Parts,
    store_id: int,
    key: str | None,
    fields: Mapping[str, Any],
    body: Submission,
    show: Callable[[Made], Response],
) -> AsyncIterator[Run[Made]]:
    """Use around a request's work, once its body is read. `fields` are the parsed body; `show` makes the answer, always
    the same for the same input.

    Raises what `IdempotencyKeys.attempt` raises.
    """
    if key is None:
        yield Run()
        return
    fingerprint = await _fingerprint(request, fields, body)
    async with parts.idempotency_keys.attempt(store_id, key, fingerprint) as attempt:
        if isinstance(attempt, StoredAnswer):
            yield Run(answered=_response(attempt))
        else:
            yield Run(once=Once(attempt, lambda made: _answer(show(made))))


def _answer(response: Response) -> StoredAnswer:
    headers = tuple((name, value) for name, value in response.headers.items() if name not in _OURS_ALONE)
    return StoredAnswer(response.status_code, headers, bytes(response.body))


def _response(answer: StoredAnswer) -> Response:
    response = Response(answer.body, answer.status)
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


async def _fingerprint(request: Request, fields: Mapping[str, Any], body: Submission) -> bytes:
    """Of the route with its query, the fields, the file's name and its bytes' SHA-256, for any way of upload."""
    scope = request.scope
    route = [scope["method"], scope["path"], scope["query_string"].decode("latin-1")]
    files = [body.filename]
    for received in (body.file, body.attachment):
        if received is not None:
            await received.flush()
            files += [received.field, await received.sha256(received.bytes)]
    said = json.dumps([route, dict(fields), files], sort_keys=True)
    return await asyncio.to_thread(lambda: hashlib.sha256(said.encode("utf-8", "surrogatepass")).digest())
