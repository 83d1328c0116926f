"""Validates the answers of pixel processes. They are not trusted: a hostile picture may control the process.

An invalid answer raises `Nonsense`, and the pool ends the process. No answer can crash the service, or
mislead it about more than one picture.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from image_service.errors import Kind, Refusal
from image_service.pixels.limits import Limits, Refused
from image_service.pixels.messages import MAX_DETAIL, Probe, Rendering
from image_service.pixels.picture import ANIMATED, Format, Pixels

THUMBHASH = re.compile(r"[A-Za-z0-9+/]{4,62}={0,2}")  # base64; a thumbhash has 5 to 25 bytes
# Refusals that a pixel process may give.
REFUSALS = (
    Refusal.NOT_AN_IMAGE,
    Refusal.OTHER_FORMAT,
    Refusal.CUT_SHORT,
    Refusal.DAMAGED,
    Refusal.ANIMATED_AVIF,
    Refusal.TOO_WIDE_OR_HIGH,
    Refusal.TOO_MANY_PIXELS,
)


class Nonsense(Exception):
    """The answer is invalid."""


class Failed(Exception):
    """The process reports that the job failed, but not that the picture is at fault."""


def read_answer(line: bytes, id: int) -> dict[str, Any]:
    """Parse the answer to request `id`. Raises `Refused`, `Failed`, `Nonsense`."""
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Nonsense("not JSON") from error
    if not isinstance(answer, dict) or type(answer.get("id")) is not int or answer["id"] != id:
        raise Nonsense("not the answer to this request")
    if "refused" in answer:
        if answer["refused"] not in REFUSALS:
            raise Nonsense("unknown refusal")
        refusal, kind = Refusal(answer["refused"]), answer.get("kind")
        if kind not in (list(Kind) if refusal is Refusal.OTHER_FORMAT else [None]):
            raise Nonsense("unknown kind")
        raise Refused(refusal, _detail(answer.get("detail")), kind and Kind(kind))
    if "failed" in answer:
        raise Failed(_detail(answer["failed"]))
    return answer


def read_probe(answer: dict[str, Any], limits: Limits, file_bytes: int, kept_bytes: int) -> Probe:
    """Return the probe. Raises `Nonsense` if it does not fit the limits or the sizes of the file and kept pixels."""
    fields = answer.get("probe")
    names = {"format", "width", "height", "frames", "end", "thumbhash", "kept"}
    if not isinstance(fields, dict) or fields.keys() != names:
        raise Nonsense("not a probe")
    if fields["format"] not in limits.formats:
        raise Nonsense("unknown format")
    format = Format(fields["format"])
    width = _whole(fields["width"], limits.side)
    height = _whole(fields["height"], limits.side)
    frames = _whole(fields["frames"], limits.frames if format in ANIMATED else 1)
    if not limits.allow(width, height, frames):
        raise Nonsense("too many pixels")
    end = _whole(fields["end"], file_bytes)
    thumbhash = fields["thumbhash"]
    if not isinstance(thumbhash, str) or not THUMBHASH.fullmatch(thumbhash):
        raise Nonsense("not a thumbhash")
    return Probe(format, width, height, frames, end, thumbhash, _kept(fields["kept"], kept_bytes))


def read_rendered(answer: dict[str, Any], rendering: Rendering, kept_bytes: int) -> tuple[Format, Pixels | None]:
    """Return the lightest requested format, and the kept pixels, in a file of `kept_bytes`. Raises `Nonsense`."""
    for format in (rendering.format, *rendering.against):
        if answer.get("rendered") == format:
            return format, _kept(answer.get("kept"), kept_bytes)
    raise Nonsense("not rendered")


def read_family(answer: dict[str, Any], renderings: Sequence[Rendering]) -> tuple[Format, ...]:
    """Return the lightest requested format of each rendering. Raises `Nonsense`."""
    formats = answer.get("family")
    if not isinstance(formats, list) or len(formats) != len(renderings):
        raise Nonsense("not rendered")
    named = zip(formats, renderings, strict=True)
    return tuple(read_rendered({"rendered": each}, rendering, 0)[0] for each, rendering in named)


def _kept(fields: object, file_bytes: int) -> Pixels | None:
    if fields is None:
        return None
    if not isinstance(fields, dict) or fields.keys() != {"width", "height", "orientation", "profile"}:
        raise Nonsense("not kept pixels")
    width, height = _whole(fields["width"], file_bytes), _whole(fields["height"], file_bytes)
    orientation, profile = _whole(fields["orientation"], 8), _whole(fields["profile"], file_bytes, least=0)
    pixels = Pixels(width, height, orientation, profile)
    if pixels.bytes != file_bytes:
        raise Nonsense("another number of kept pixels")
    return pixels


def _whole(value: object, most: int, *, least: int = 1) -> int:
    if type(value) is not int or not least <= value <= most:  # rejects `True`, which is an int too
        raise Nonsense("number out of range")
    return value


def _detail(value: object) -> str:
    """Return it printable and short, for the log."""
    text = value if isinstance(value, str) else ""
    return "".join(character if character.isprintable() else "?" for character in text[:MAX_DETAIL])
