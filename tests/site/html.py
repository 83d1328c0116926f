"""A page as it was sent: its elements, with what is written in them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "img", "br", "hr"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    within: list["Element"] = field(default_factory=list)  # from the outermost
    text: str = ""  # of all that is in it

    def inside(self, tag: str) -> "Element | None":
        return next((each for each in reversed(self.within) if each.tag == tag), None)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Element] = []
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, list(self._open))
        self.found.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for each in self._open:
            each.text += data

    def ended(self) -> list[Element]:
        self.close()
        assert self._open == []
        return self.found


def elements(html: str) -> list[Element]:
    """All of a page, in its order; every one that was begun must have ended."""
    reader = _Reader()
    reader.feed(html)
    return reader.ended()
