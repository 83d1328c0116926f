"""Reads the requests that guides print, so that samples can be written in other languages."""

import json
import re
import shlex
from collections.abc import Sequence

from markupsafe import Markup

from image_service.site.reference.kinds import Field
from image_service.site.reference.samples import Call, Header

_REQUEST = re.compile(r"([A-Z]+) (/\S*) HTTP/1\.1")
_TOKEN = re.compile(r"(.*)\bTOKEN$")


def call_of(printed: str, server: str) -> Call | None:
    """The request of an exchange; None: not a request, or its body is not JSON."""
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


def call_of_curl(printed: str) -> Call | None:
    """The request of a single curl command; None: another command, or unknown options."""
    try:
        name, *words = shlex.split(printed.replace("\\\n", " "))
    except ValueError:
        return None
    if name != "curl" or len(words) % 2 == 0:
        return None
    method, url, body = "", "", None
    headers: list[tuple[str, str]] = []
    form: list[Field] = []
    while words:
        option = words.pop(0)
        if option.startswith("http") and not url:
            url = option
            continue
        value = words.pop(0) if words else ""
        if option == "-H":
            key, _, said = value.partition(":")
            headers.append((key, said.strip().replace("$TOKEN", "TOKEN")))
        elif option == "-F":
            key, _, said = value.partition("=")
            form.append(Field(key, Markup(), Markup(), True, said.startswith("@"), said.removeprefix("@")))
        elif option == "-d" and value.startswith("{"):
            body = json.loads(value)
        elif option == "-X":
            method = value
        else:
            return None
    method = method or ("POST" if form or body else "GET")
    others = [(key, said) for key, said in headers if not _TOKEN.match(said) and key.lower() != "content-type"]
    return Call(method, url, _header(headers), form, body, is_binary=False, headers=others) if url else None


def _header(headers: Sequence[tuple[str, str]]) -> Header | None:
    for name, value in headers:
        if token := _TOKEN.match(value):
            return Header(name, token[1])
    return None
