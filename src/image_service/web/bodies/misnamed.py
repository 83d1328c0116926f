"""Detects a picture under an unknown field name, for a helpful error."""

import re
from collections.abc import Sequence
from typing import Any

from image_service.errors import Misnamed
from image_service.web.bodies.json_body import SRC, parent_of
from image_service.web.bodies.uploads import Submission

SHOWABLE = re.compile(r"[A-Za-z0-9_-]{1,40}(?:\[[A-Za-z0-9_-]{0,40}\])?", re.ASCII)  # client names safe to repeat
MIN_BASE64 = 60  # characters; the smallest possible picture has 47
_URL = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_BASE64 = re.compile(rf"[A-Za-z0-9+/_\s-]{{{MIN_BASE64},}}={{0,2}}\s*")
_TEXTS = {"alt", "filename"}  # may hold anything


def misnamed(body: Submission, attachment: Sequence[str] | None) -> Misnamed | None:
    """The field that seems to be a picture. `attachment`: the path of the base64 in JSON; None: forms only."""
    if body.other_file is not None:
        return Misnamed("file", _showable(body.other_file))
    if attachment is None:
        return None
    for name, value in parent_of(body.fields, attachment).items():
        if name in _TEXTS or name in (SRC, attachment[-1]):
            continue
        if isinstance(value, dict):  # one level deeper than expected
            inner = next((each for each in (SRC, attachment[-1]) if value.get(each)), None)
            if inner is not None:
                return Misnamed(inner, f"{shown}.{inner}" if (shown := _showable(name)) else "")
        elif wanted := _wanted(value, attachment[-1]):
            return Misnamed(wanted, _showable(name))
    return None


def _wanted(value: Any, attachment: str) -> str | None:
    if not isinstance(value, str):
        return None
    if _URL.match(value.strip()):
        return SRC
    return attachment if value.startswith("data:") or _BASE64.fullmatch(value) else None


def _showable(name: str) -> str:
    return name if SHOWABLE.fullmatch(name) else ""
