"""The blocks of code of a page of Markdown, and its links."""

import re
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    place: str  # `page.md:line`
    language: str
    text: str
    follows: bool  # straight after the block before it


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found: list[Block] = []
    end = 0
    for match in _BLOCK.finditer(text):
        place = f"{page.name}:{text[: match.start()].count(chr(10)) + 1}"
        found.append(Block(place, match[1], match[2], follows=bool(end) and not text[end : match.start()].strip()))
        end = match.end()
    assert len(re.findall("^```", text, re.MULTILINE)) == 2 * len(found), f"{page.name}: a block without a language"
    return found


def links(page: Path) -> list[str]:
    """Where its links and pictures lead."""
    return _LINK.findall(_BLOCK.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """Its headings, as a link names them."""
    headings = _HEADING.findall(_BLOCK.sub("", page.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
