"""A guide as HTML: its links lead to other guides, its headings have ids, its exchanges have tabs."""

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup

from image_service.site.guides.exchanges import call_of, call_of_curl
from image_service.site.guides.sources import url_of
from image_service.site.reference.samples import samples_of

PRINTED = "http://127.0.0.1:8000"  # the service's URL in the guides' text
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class Heading:
    level: int
    id: str
    text: str


@dataclass(frozen=True)
class Section:
    """The text below one heading, as a search finds it."""

    heading: Heading
    text: str


@dataclass(frozen=True)
class Guide:
    title: str
    body: Markup
    sections: Sequence[Section]


def read(text: str, file: str, known: Collection[str], server: str) -> Guide:
    """`file`: the guide's path, one of `known`; `server`: the URL for its examples."""
    tokens = _MARKDOWN.parse(text.replace(PRINTED, server))
    sections = _sections(tokens)
    env = {"file": file, "known": known, "server": server, "ids": [each.heading.id for each in sections]}
    body = Markup(_Renderer().render(tokens, _MARKDOWN.options, env))  # noqa: S704 - all text in it is escaped
    return Guide(sections[0].heading.text if sections else file, body, sections)


def _sections(tokens: Sequence[Token]) -> list[Section]:
    found: list[tuple[Heading, list[str]]] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _plain(tokens[place + 1])
            found.append((Heading(int(token.tag[1]), _id_of(heading), heading), []))
        elif found and token.type in ("inline", "fence") and tokens[place - 1].type != "heading_open":
            found[-1][1].append(_plain(token))
    return [Section(heading, " ".join(texts)) for heading, texts in found]


def _plain(token: Token) -> str:
    return "".join(each.content or " " for each in token.children) if token.children else token.content


def _id_of(heading: str) -> str:
    """The id that links use."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


class _Renderer(RendererHTML):
    def heading_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return f'<{tokens[idx].tag} id="{escape(_id_of(_plain(tokens[idx + 1])))}">'

    def heading_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        name = _plain(tokens[idx - 1])
        label = escape(f"Link to {name}")
        link = f' <a class="anchor" href="#{escape(_id_of(name))}" aria-label="{label}">#</a>'
        return f"{link if tokens[idx].tag != 'h1' else ''}</{tokens[idx].tag}>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        """An empty corner cell is not a header."""
        return "<th>" if tokens[idx + 1].content else "<td>"

    def th_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        return "</th>" if tokens[idx - 1].content else "</td>"

    def link_open(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        href = _target(str(tokens[idx].attrGet("href")), env)
        return f'<a href="{escape(href)}">' if href else "<span>"

    def link_close(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        depth, place = 1, idx
        while depth:  # find the opening tag
            place -= 1
            depth += {"link_open": -1, "link_close": 1}.get(tokens[place].type, 0)
        return "</a>" if _target(str(tokens[place].attrGet("href")), env) else "</span>"

    def image(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        src = _target(str(tokens[idx].attrGet("src")), env)
        return f'<img src="{escape(src)}" alt="{escape(tokens[idx].content)}" loading="lazy">'

    def fence(self, tokens: Sequence[Token], idx: int, options: Any, env: Any) -> str:
        language, text = tokens[idx].info.strip(), tokens[idx].content.rstrip("\n")
        shown = [("HTTP" if language == "http" else language or "text", text)]
        if language == "sh" and (call := call_of_curl(text)):
            shown = [("curl", text), *((each.language, each.text) for each in samples_of(call)[1:])]
        elif language == "http" and (call := call_of(text, env["server"])):
            shown += [(each.language, each.text) for each in samples_of(call)]
        tabs = "".join(
            f'<button type="button" data-language="{name}" aria-pressed="{str(not place).lower()}">{name}</button>'
            for place, (name, _) in enumerate(shown)
        )
        group = (
            f'<div class="tabs only-with-scripts" role="group" aria-label="Language">{tabs}</div>'
            if shown[1:]
            else '<div class="tabs only-with-scripts alone"></div>'
        )
        # Wrapped lines would break text diagrams and tables, so these scroll.
        drawn = ' class="drawn" tabindex="0"' if shown[0][0] == "text" else ""
        codes = "".join(
            f'<pre{drawn} data-language="{name}"{" hidden" if place else ""}>{escape(code, quote=False)}</pre>'
            for place, (name, code) in enumerate(shown)
        )
        return f'<div class="samples">{group}{codes}</div>\n'


def _target(href: str, env: Mapping[str, Any]) -> str:
    """The URL of a guide's link; empty: the file is only in the checkout."""
    path, mark, anchor = href.partition("#")
    if "://" in path or not path:
        return href
    here = posixpath.dirname(env["file"])
    up = "../" * str(env["file"]).count("/")
    file = posixpath.normpath(posixpath.join(here, path))
    file = f"{file}/README.md" if path.endswith("/") else file
    if file not in env["known"]:
        return ""
    return up + (url_of(file) or "./") + mark + anchor
