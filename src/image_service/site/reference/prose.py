"""Descriptions are Markdown, as OpenAPI has it."""

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

_MARKDOWN = MarkdownIt("commonmark", {"html": False})  # what looks like HTML is shown as it is written


@cache
def prose(text: str) -> Markup:
    return Markup(_MARKDOWN.render(text).strip())  # noqa: S704 - escaped by the line above


@cache
def line(text: str) -> Markup:
    """Of one paragraph, without it."""
    return Markup(_MARKDOWN.renderInline(text.replace("\n", " ")))  # noqa: S704
