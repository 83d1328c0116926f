"""Detects a picture under an unknown field name, for a helpful error."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from image_service.errors import BodyTooLong, MalformedBody, Misnamed
from image_service.ingest.base64_text import begins_a_picture
from image_service.web.bodies.json_body import SRC, LongTexts, parent_of
from image_service.web.bodies.uploads import Submission
from image_service.web.images.view import ANY

SHOWABLE = re.compile(r"[A-Za-z0-9_-]{1,40}(?:\[[A-Za-z0-9_-]{0,40}\])?", re.ASCII)  # client names safe to repeat
MIN_BASE64 = 60  # characters; the smallest possible picture has 47
_URL = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_BASE64 = re.compile(rf"[A-Za-z0-9+/_\s-]{{{MIN_BASE64},}}={{0,2}}\s*")
_PICTURE = re.compile(r"url|.*(?:image|imagen|img|photo|foto|picture|gambar).*", re.IGNORECASE)  # names
_ENDS = re.compile(r".*\.(?:jpe?g|jpe|jfif|png|gif|webp|avif|heic)", re.IGNORECASE)  # of a URL's path
_NOT_READ = {"alt", "filename"} | ANY.keys() - {SRC}  # may hold anything; or clients send them back as they were shown


def misnamed(body: Submission, attachment: Sequence[str] | None) -> Misnamed | None:
    """The field that seems to be a picture, in a body that gives none by its name. `attachment`: the path of the base64
    in JSON; None: forms only.
    """
    return _other_file(body) or (None if attachment is None else _found(_fields(body, attachment), attachment[-1]))


def misnamed_in_update(body: Submission, attachment: Sequence[str], key: str, *, changes: bool) -> Misnamed | None:
    """As `misnamed`. `changes`: the body has other fields that are known. Then only what is surely a picture counts:
    clients send back what they have read, and fields of their own, which are ignored. So are URLs beside a `src`, and
    those of the image's own `key`.
    """
    fields = _fields(body, attachment)

    def is_certain(name: str, value: str, wanted: str) -> bool:
        if wanted != SRC:
            return begins_a_picture(value.encode("utf-8", "surrogatepass"))
        is_picture = _PICTURE.fullmatch(name) or _ENDS.fullmatch(_path(value))
        return bool(is_picture) and key not in value and not fields.get(SRC)

    if changes or "id" in fields:
        return _other_file(body) or _found(fields, attachment[-1], is_certain)
    return misnamed(body, attachment)


def misnamed_long(error: LongTexts, attachment: Sequence[str]) -> Exception:
    """The error for a body that is too long: it may help more."""
    *objects, _ = attachment
    if objects and not isinstance(error.fields.get(objects[0]), dict):
        return MalformedBody(f"no object `{objects[0]}`")
    return misnamed(Submission(error.fields), attachment) or BodyTooLong()


def _fields(body: Submission, attachment: Sequence[str]) -> dict[str, Any]:
    return parent_of(body.fields, attachment[-1:] if body.is_form else attachment)


def _other_file(body: Submission) -> Misnamed | None:
    return None if body.other_file is None else Misnamed("file", _showable(body.other_file))


def _found(
    fields: Mapping[str, Any], attachment: str, counts: Callable[[str, str, str], bool] = lambda *_: True
) -> Misnamed | None:
    """The first field for which `counts(name, value, wanted name)` is true."""
    for name, value in fields.items():
        if name in _NOT_READ or name in (SRC, attachment):
            continue
        if isinstance(value, dict):  # one level deeper than expected
            inner = next((each for each in (SRC, attachment) if value.get(each)), None)
            if inner is not None and counts(name, str(value[inner]), inner):
                return Misnamed(inner, f"{shown}.{inner}" if (shown := _showable(name)) else "")
        elif (wanted := _wanted(value, attachment)) and counts(name, value, wanted):
            return Misnamed(wanted, _showable(name))
    return None


def _wanted(value: Any, attachment: str) -> str | None:
    if not isinstance(value, str):
        return None
    if _URL.match(value.strip()):
        return SRC
    is_picture = value.startswith("data:") or begins_a_picture(value[:MIN_BASE64].encode("utf-8", "surrogatepass"))
    return attachment if is_picture or _BASE64.fullmatch(value) else None


def _path(url: str) -> str:
    try:
        return urlsplit(url.strip()).path
    except ValueError:
        return ""


def _showable(name: str) -> str:
    return name if SHOWABLE.fullmatch(name) else ""
