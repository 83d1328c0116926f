"""Streams a request's JSON or form body into its fields and a file on disk, ready for `ingest`."""

import asyncio
import codecs
import re
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.requests import Request

from image_service.errors import BodyTooLong, InvalidField, UnsupportedBody
from image_service.ingest.base64_text import is_data_url
from image_service.ingest.receiving import Receiver, too_heavy
from image_service.ingest.sources import Intake
from image_service.web.bodies.json_body import (
    BOUNDS,
    MAX_DATA_HEAD,
    SRC,
    JsonBounds,
    parent_of,
    parsed,
    taken_apart,
)
from image_service.web.bodies.multipart import OVERHEAD_BYTES, boundary_of, read_form

# `fetch` sends strings with the first, curl's `-d` anything with the second.
BY_DEFAULT = ("text/plain", "application/x-www-form-urlencoded")
SMALL_JSON_BYTES = 64 * 1024  # without an attachment; larger ones wait on disk for a place in memory

_ENTRY = re.compile(r"(\w+)\[([^\[\]]{1,100})\]")  # of a list or a map in a form


@dataclass(frozen=True)
class Submission:
    """A parsed body. `fields` are not checked yet. Those of a form are strings, which `texts` decodes."""

    fields: dict[str, Any]
    is_form: bool = False
    file: Receiver | None = None
    filename: str = ""
    attachment: Receiver | None = None  # already decoded, so that memory does not keep its text
    other_file: str | None = None  # the name of an unexpected file in a form
    unreadable: Mapping[str, str] = field(default_factory=dict)  # a form's fields that cannot be decoded, and why

    def texts(self, known: Container[str]) -> dict[str, Any]:
        """A form's fields; empty ones count as absent. A `known` one in parts is what PHP makes of it: `alt[es]` and
        `alt[en]` are a map, `alt[0]` and `alt[1]` a list. Raises `InvalidField` if a `known` one cannot be decoded.
        """
        wrong = {name: why for each, why in self.unreadable.items() if (name := each.partition("[")[0]) in known}
        if wrong:
            first = next(iter(wrong))
            raise InvalidField(first, wrong[first], wrong)
        fields = {name: value for name, value in self.fields.items() if value != ""}
        parts: dict[str, dict[str, Any]] = {}
        for name, value in fields.items():
            if (match := _ENTRY.fullmatch(name)) and match[1] in known:
                parts.setdefault(match[1], {})[match[2]] = value
        for name, values in parts.items():
            is_list = all(key.isdecimal() for key in values)
            fields[name] = list(values.values()) if is_list else values
        return fields


async def read(
    request: Request, intake: Intake, attachment: Sequence[str], *, max_image_bytes: int, max_json_bytes: int
) -> Submission:
    """The whole body, JSON or form; no fields if absent. `attachment`: the path of the base64 in JSON, whose last name
    is the form's field.

    Raises `MalformedBody`, `OverfullForm`, `BodyTooLong`, `UnsupportedBody`, `InvalidField` (a malformed form),
    `PictureRefused` (too heavy, before the rest is read), `Busy`, `StorageFull`, `StorageUnavailable`.
    """
    if is_form(request):
        return await _form(request, intake, max_image_bytes, max_json_bytes, attachment)
    return await _json(request, intake, attachment, max_json_bytes, max_image_bytes)


async def read_fields(request: Request, bounds: JsonBounds = BOUNDS, *, last_wins: bool = False) -> Submission:
    """A JSON object without a picture; a route that takes long lists gives its own `bounds`. `last_wins`: of equal
    names in an object the last one counts; by default they are refused.

    Raises `MalformedBody`, `UnsupportedBody`, `BodyTooLong`, `InvalidField` (a name that is there twice).
    """
    body = b"".join([chunk async for chunk in _json_body(request, bounds.bytes, BodyTooLong())])
    if len(body) > SMALL_JSON_BYTES:
        return Submission(await asyncio.to_thread(parsed, body, bounds, last_wins=last_wins))
    return Submission(parsed(body, bounds, last_wins=last_wins))


def is_form(request: Request) -> bool:
    return _media_type(request) == "multipart/form-data"


def _is_json(kind: str) -> bool:
    return kind in ("", "application/json", "application/x-json", "text/json") or kind.endswith("+json")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form_body(request: Request, intake: Intake, *, max_image_bytes: int) -> Submission:
    """A form whose picture is a file; any other body gives an empty submission. Raises as `read` does."""
    return await _form(request, intake, max_image_bytes)


async def _form(
    request: Request, intake: Intake, max_image_bytes: int, max_text_bytes: int = 0, path: Sequence[str] = ("",)
) -> Submission:
    """`path`: of the field that may hold a picture in base64, of at most `max_text_bytes`; so may `src`. A form may
    omit the path's objects: `alt` for `image[alt]`.
    """
    *within, attachment = path
    content_type = request.headers.get("content-type", "")
    boundary = boundary_of(content_type)
    if boundary is None:
        if content_type.lower().startswith("multipart/"):
            raise InvalidField("file", "is in a form without a usable boundary")
        return Submission({}, is_form=True)
    limit = max(max_image_bytes + OVERHEAD_BYTES, max_text_bytes)
    body = _body(request, limit, too_heavy("file", max_image_bytes))

    async def receive(field: str) -> Receiver:
        if field == "file":
            return await intake.receiver(field, max_image_bytes)
        return await intake.receiver(field, limit, is_kept=False)  # like a JSON body, until it is decoded

    def is_picture(field: str, start: bytes) -> bool:
        return bool(attachment) and (field == attachment or (field == SRC and _is_data(start)))

    form = await read_form(body, boundary, receive, is_picture, within[-1] if within else "")
    submission = Submission(
        form.fields,
        is_form=True,
        file=form.file,
        filename=form.filename,
        other_file=form.other_file,
        unreadable=form.unreadable,
    )
    for name in (attachment, SRC) if attachment else ():
        text = submission.fields.pop(name, "")
        if name in form.long:
            received = await _decoded(intake, name, form.long[name])
        elif text and (name == attachment or is_data_url(text)):
            received = await intake.from_base64(text.encode(), name)
        else:
            submission.fields.update({name: text} if text else {})
            continue
        if name != SRC and SRC in form.long:
            submission.fields[SRC] = "data:,"  # given too, which `offered` refuses
        return replace(submission, attachment=received)
    return submission


async def _decoded(intake: Intake, field: str, spool: Receiver) -> Receiver:
    await spool.flush()
    async with intake.in_memory():
        return await intake.from_base64(await asyncio.to_thread(spool.path.read_bytes), field)


def _is_data(text: bytes) -> bool:
    return is_data_url(text[:MAX_DATA_HEAD].decode("latin-1"))


async def _json_body(request: Request, limit: int, refusal: Exception) -> AsyncIterator[bytes]:
    """As `_body`. Raises `UnsupportedBody` if the media type is not JSON. A client's default media type is accepted if
    the body starts with `{`.
    """
    kind = _media_type(request)
    is_known = _is_json(kind)
    if not is_known and kind not in BY_DEFAULT:
        raise UnsupportedBody
    head = b""
    async for chunk in _body(request, limit, refusal):
        if not is_known:
            head = (head + chunk).removeprefix(codecs.BOM_UTF8).lstrip()
            if head and not head.startswith(b"{"):
                raise UnsupportedBody
            is_known = bool(head)
        yield chunk


async def _body(request: Request, limit: int, refusal: Exception) -> AsyncIterator[bytes]:
    """The chunks of a body; raises `refusal` as soon as the limit is exceeded."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise refusal
    got = 0
    async for chunk in request.stream():
        got += len(chunk)
        if got > limit:
            raise refusal
        yield chunk


async def _json(
    request: Request, intake: Intake, attachment: Sequence[str], limit: int, max_image_bytes: int
) -> Submission:
    small = bytearray()
    spool: Receiver | None = None
    async for chunk in _json_body(request, limit, too_heavy("attachment", max_image_bytes)):
        if spool is None and len(small) + len(chunk) > SMALL_JSON_BYTES:
            spool = await intake.receiver("attachment", limit, is_kept=False)
            await spool.write(bytes(small))
        if spool is None:
            small += chunk
        else:
            await spool.write(chunk)
    if spool is None:
        return await _submission(intake, attachment, *taken_apart(bytes(small), attachment))
    await spool.flush()
    async with intake.in_memory():
        apart = await asyncio.to_thread(lambda: taken_apart(spool.path.read_bytes(), attachment))
        return await _submission(intake, attachment, *apart)


async def _submission(intake: Intake, path: Sequence[str], fields: dict[str, Any], text: bytes) -> Submission:
    if text:
        return Submission(fields, attachment=await intake.from_base64(text))
    return await _with_data_url(intake, Submission(fields), path)


async def _with_data_url(intake: Intake, body: Submission, path: Sequence[str]) -> Submission:
    """Decode a `data:` URL in `src` at once, like an attachment, since it is as large."""
    fields = parent_of(body.fields, path)
    src = fields.get(SRC)
    if not isinstance(src, str) or not is_data_url(src):
        return body
    del fields[SRC]
    return replace(body, attachment=await intake.from_base64(src.encode("utf-8", "surrogatepass"), SRC))
