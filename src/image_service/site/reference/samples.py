"""Samples of a call in curl, JavaScript, Python and PHP."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from image_service.site.reference.kinds import Field

PICTURE = "photo.jpg"  # the file that samples send


@dataclass(frozen=True)
class Header:
    """The header for a token: `Authorization: Bearer …`."""

    name: str
    before: str


@dataclass(frozen=True)
class Call:
    method: str
    url: str
    header: Header | None
    form: Sequence[Field]  # empty: no form
    json: Any  # None: no JSON
    is_binary: bool  # the sample saves the response as a file
    headers: Sequence[tuple[str, str]] = ()  # other than the token's and the type's


@dataclass(frozen=True)
class Sample:
    language: str
    text: str


def samples_of(call: Call) -> tuple[Sample, ...]:
    written = {"curl": _curl, "JavaScript": _javascript, "Python": _python, "PHP": _php}
    return tuple(Sample(language, write(call)) for language, write in written.items())


def _value(field: Field) -> str:
    return field.example or (PICTURE if field.is_file else "1")


def _curl(call: Call) -> str:
    words = ["curl"]
    if call.method != "GET" and not (call.method == "POST" and (call.form or call.json is not None)):
        words[0] += f" -X {call.method}"
    if call.header:
        words.append(f'-H "{call.header.name}: {call.header.before}$TOKEN"')
    words += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers]
    if call.form:
        words += [
            f"-F {each.name}=@{_value(each)}" if each.is_file else f"-F {each.name}={_value(each)}"
            for each in call.form
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
    headers += [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers]
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
    given, headers = [json.dumps(call.url)], []
    if call.header:
        value = f"f\"{call.header.before}{{os.environ['TOKEN']}}\"" if call.header.before else 'os.environ["TOKEN"]'
        headers = [f'"{call.header.name}": {value}']
    headers += [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in call.headers]
    if headers:
        given.append(f"headers={{{', '.join(headers)}}}")
    if call.form:
        files = ", ".join(f'"{each.name}": open("{_value(each)}", "rb")' for each in call.form if each.is_file)
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


def _php(call: Call) -> str:
    lines = [f"$curl = curl_init({_quoted(call.url)});"]
    options = ["CURLOPT_RETURNTRANSFER => true"]
    if call.method != "GET":
        options.append(f"CURLOPT_CUSTOMREQUEST => {_quoted(call.method)}")
    headers = [_quoted(f"{name}: {value}") for name, value in call.headers]
    if call.header:
        headers.insert(0, f"{_quoted(f'{call.header.name}: {call.header.before}')} . getenv('TOKEN')")
    if not call.form and call.json is not None:
        headers.append("'Content-Type: application/json'")
        options.append(f"CURLOPT_POSTFIELDS => {_quoted(json.dumps(call.json, ensure_ascii=False))}")
    if call.form:
        values = [
            f"new CURLFile({_quoted(_value(each))})" if each.is_file else _quoted(_value(each)) for each in call.form
        ]
        fields = [f"{_quoted(each.name)} => {value}" for each, value in zip(call.form, values, strict=True)]
        options.append(f"CURLOPT_POSTFIELDS => [{', '.join(fields)}]")
    if headers:
        options.append(f"CURLOPT_HTTPHEADER => [{', '.join(headers)}]")
    lines.append("curl_setopt_array($curl, [")
    lines += [f"    {option}," for option in options]
    lines.append("]);")
    lines.append("$answer = curl_exec($curl);")
    lines.append(
        f"file_put_contents('{PICTURE}', $answer);"
        if call.is_binary
        else "echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), ' ', $answer;"
    )
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """A PHP string: only these two characters are special between single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
