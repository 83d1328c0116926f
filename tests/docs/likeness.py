"""Whether an answer is the one that a page prints.

What no two runs have in common (ids, keys, times, entity tags) may differ, but always in the same way: what a page
calls 101 is one image all through it. What is left out of a page is `…` there. All else must be equal.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_VARIES = {
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
    "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "key": r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])",
    "tag": r'"[0-9a-f]+-[0-9a-f]+"',
    "id": r"(?:(?<=/images/)|(?<=Image/))\d+",
    "rest": "…",
}
_NAMED = {"key", "tag", "id"}  # the others are not spoken of again
_TOKEN = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in _VARIES.items()))
_IDS = {"id", "user_id", "image_id"}
# Figures of the moment, or of the encoder.
_LOOSE = {"x-rate-limit-reset": r"\d+", "retry-after": r"\d+(\.0)?", "content-range": r"bytes (\d+-\d+|\*)/\d+"}


@dataclass
class Likeness:
    """What the pages that have been read so far call things."""

    actual: dict[str, str] = field(default_factory=dict)  # by what the pages print

    def request(self, printed: str) -> str:
        """With the names that things have in this run."""
        if not self.actual:
            return printed
        names = "|".join(re.escape(name) for name in sorted(self.actual, key=len, reverse=True))
        return re.sub(rf"(?<!\w)(?:{names})(?!\w)", lambda match: self.actual[match[0]], printed)

    def text(self, printed: str, found: str) -> None:
        pattern, names, end = "", [], 0
        for match in _TOKEN.finditer(printed):
            kind = str(match.lastgroup)
            pattern += re.escape(printed[end : match.start()])
            pattern += "(.*)" if kind == "rest" else f"({_VARIES[kind]})"
            names.append(match[0] if kind in _NAMED else None)
            end = match.end()
        same = re.fullmatch(pattern + re.escape(printed[end:]), found, re.DOTALL)
        assert same, f"printed: {printed}\nfound:   {found}"
        for name, value in zip(names, same.groups(), strict=True):
            if name is not None:
                self._call(name, value)

    def value(self, printed: Any, found: Any, name: str = "") -> None:
        """Of JSON: the same names in the same order."""
        if isinstance(printed, dict):
            assert isinstance(found, dict), found
            assert list(found) == list(printed)
            for each in printed:
                self.value(printed[each], found[each], each)
        elif isinstance(printed, list):
            assert isinstance(found, list), found
            wanted = printed[:-1] if printed[-1:] == ["…"] else printed
            assert len(found) == len(wanted) if wanted is printed else len(found) > len(wanted), found
            for one, other in zip(wanted, found, strict=False):
                self.value(one, other)
        elif name in _IDS and printed is not None and str(printed).isdecimal():
            assert type(found) is type(printed), found
            self._call(str(printed), str(found))
        elif isinstance(printed, str):
            assert isinstance(found, str), f"{name}: {found}"
            self.text(printed, found)
        else:
            assert (type(found), found) == (type(printed), printed), name

    def json(self, printed: str, found: str) -> None:
        """Line breaks and spaces between its parts are the page's own."""
        self.value(json.loads(printed), json.loads(found))

    def header(self, name: str, printed: str, found: str) -> None:
        if loose := _LOOSE.get(name):
            assert re.fullmatch(loose, printed)
            assert re.fullmatch(loose, found)
        else:
            self.text(printed, found)

    def _call(self, printed: str, found: str) -> None:
        known = self.actual.setdefault(printed, found)
        assert known == found, f"{printed} was {known}, and is {found}"
        if not printed.startswith('"'):  # an entity tag is of a state: two may have the same
            assert [name for name, value in self.actual.items() if value == found] == [printed], printed
