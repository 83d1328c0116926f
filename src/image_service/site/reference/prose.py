"""Renders descriptions, which are Markdown in OpenAPI."""

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False})  # HTML is shown as text


@cache
def prose(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text).strip())  # noqa: S704 - escaped by the line above


@cache
def line(text: str) -> Markup:
    """One paragraph, without its `<p>`."""
    return Markup(_MARKDOWN.renderInline(text.replace("\n", " ")))  # noqa: S704
