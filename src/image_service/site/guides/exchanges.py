"""The requests that guides print, as calls that can be written in any language."""

import json
import re
from collections.abc import Sequence

from image_service.site.reference.kinds import Field
from image_service.site.reference.samples import Call, Header

_REQUEST = re.compile(r"([A-Z]+) (/\S*) HTTP/1\.1")
_TOKEN = re.compile(r"(.*)\bTOKEN$")


def call_of(printed: str, server: str) -> Call | None:
    """The request of an exchange; None: it is none, or has a body that is not JSON."""
    head, _, rest = printed.partition("\n\n")
    line, *headers = head.splitlines()
    request = _REQUEST.fullmatch(line)
    if request is None:
        return None
    body = rest.partition("\n\nHTTP/1.1")[0].strip()
    has_body = bool(body) and not body.startswith("HTTP/1.1")
    named = [(name, value.strip()) for name, _, value in (each.partition(":") for each in headers)]
    try:
        value = json.loads(body) if has_body else None
    except ValueError:
        return None
    form: Sequence[Field] = ()
    others = [(name, said) for name, said in named if not _TOKEN.match(said) and name.lower() != "content-type"]
    return Call(
        request[1], server.rstrip("/") + request[2], _header(named), form, value, is_binary=False, headers=others
    )


def _header(headers: Sequence[tuple[str, str]]) -> Header | None:
    for name, value in headers:
        if token := _TOKEN.match(value):
            return Header(name, token[1])
    return None
