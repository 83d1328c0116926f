"""The guides' files: in the installed package, or in docs/ of a checkout."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).parents[2]
_FOLDERS = (_PACKAGE / "docs", _PACKAGE.parents[1] / "docs")
INDEX = "README.md"
PICTURES = {".svg", ".png"}

_LISTED = re.compile(r"^(?:## (.+)|\d+\. \[([^\]]+)\]\((\S+\.md)\))", re.MULTILINE)


@dataclass(frozen=True)
class Listed:
    """A guide's entry in the index."""

    title: str
    file: str  # relative to the folder: `operations/tls.md`
    group: str  # the heading above it


class Sources:
    def __init__(self) -> None:
        self._root = next(folder for folder in _FOLDERS if (folder / INDEX).is_file())
        self.files: Mapping[str, Path] = {
            path.relative_to(self._root).as_posix(): path
            for path in sorted(self._root.rglob("*"))
            if path.suffix in {".md", *PICTURES}
        }

    def text(self, file: str) -> str:
        return self.files[file].read_text(encoding="utf-8")

    def listed(self) -> list[Listed]:
        """The guides in reading order."""
        found, group = [], ""
        for heading, title, file in _LISTED.findall(self.text(INDEX)):
            group = heading or group
            if file:
                found.append(Listed(title, file, group))
        return found


def url_of(file: str) -> str:
    """Relative to /guides/: `operations/tls`, `decisions/`; empty for the index itself."""
    return file.removesuffix(INDEX) if file.endswith(INDEX) else file.removesuffix(".md")
