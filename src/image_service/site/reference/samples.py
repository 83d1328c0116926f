"""A call as one would write it: by curl, in JavaScript, in Python."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from image_service.site.reference.kinds import Field

PICTURE = "photo.jpg"  # the file that samples send


@dataclass(frozen=True)
class Header:
    """That takes a token: `Authorization: Bearer …`."""

    name: str
    before: str


@dataclass(frozen=True)
class Call:
    method: str
    url: str
    header: Header | None
    form: Sequence[Field]  # none: no form
    json: Any  # None: no JSON
    is_binary: bool  # what comes back is to be kept as a file


@dataclass(frozen=True)
class Sample:
    language: str
    text: str


def samples_of(call: Call) -> tuple[Sample, ...]:
    return Sample("curl", _curl(call)), Sample("JavaScript", _javascript(call)), Sample("Python", _python(call))


def _value(field: Field) -> str:
    return field.example or "1"


def _curl(call: Call) -> str:
    words = ["curl"]
    if call.method != "GET" and not (call.method == "POST" and (call.form or call.json is not None)):
        words[0] += f" -X {call.method}"
    if call.header:
        words.append(f'-H "{call.header.name}: {call.header.before}$TOKEN"')
    if call.form:
        words += [
            f"-F {each.name}=@{PICTURE}" if each.is_file else f"-F {each.name}={_value(each)}" for each in call.form
        ]
    elif call.json is not None:
        words.append('-H "Content-Type: application/json"')
        words.append(f"-d {shlex.quote(json.dumps(call.json, ensure_ascii=False))}")
    if call.is_binary:
        words.append(f"-o {PICTURE}")
    words.append(shlex.quote(call.url))
    return f"{words[0]} " + " \\\n  ".join(words[1:])


def _javascript(call: Call) -> str:
    lines, options = [], []
    if call.form:
        lines.append("const form = new FormData();")
        for each in call.form:
            value = "input.files[0]" if each.is_file else json.dumps(_value(each))
            lines.append(f"form.append({json.dumps(each.name)}, {value});")
    if call.method != "GET":
        options.append(f'method: "{call.method}"')
    headers = []
    if call.header:
        name = call.header.name if call.header.name.isalpha() else f'"{call.header.name}"'
        value = f"`{call.header.before}${{token}}`" if call.header.before else "token"
        headers.append(f"{name}: {value}")
    if not call.form and call.json is not None:
        headers.append('"Content-Type": "application/json"')
    if headers:
        options.append(f"headers: {{ {', '.join(headers)} }}")
    if call.form:
        options.append("body: form")
    elif call.json is not None:
        options.append(f"body: JSON.stringify({json.dumps(call.json, ensure_ascii=False)})")
    given = "".join(f"\n  {option}," for option in options)
    rest = f", {{{given}\n}}" if options else ""
    lines.append(f"const response = await fetch({json.dumps(call.url)}{rest});")
    lines.append(
        "console.log(response.status, await response.text());"
        if not call.is_binary
        else "const picture = await response.blob();"
    )
    return "\n".join(lines)


def _python(call: Call) -> str:
    lines = ["import httpx", ""]
    if call.header:
        lines[:0] = ["import os"]
    given = [json.dumps(call.url)]
    if call.header:
        value = f"f\"{call.header.before}{{os.environ['TOKEN']}}\"" if call.header.before else 'os.environ["TOKEN"]'
        given.append(f'headers={{"{call.header.name}": {value}}}')
    if call.form:
        files = ", ".join(f'"{each.name}": open("{PICTURE}", "rb")' for each in call.form if each.is_file)
        given.append(f"files={{{files}}}")
        others = {each.name: _value(each) for each in call.form if not each.is_file}
        if others:
            given.append(f"data={others!r}")
    elif call.json is not None:
        given.append(f"json={call.json!r}")
    lines.append(f"response = httpx.{call.method.lower()}(")
    lines += [f"    {each}," for each in given]
    lines.append(")")
    lines.append(
        f'open("{PICTURE}", "wb").write(response.content)'
        if call.is_binary
        else "print(response.status_code, response.text)"
    )
    return "\n".join(lines)
