"""Maps our columns to those of other systems' exports."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

OURS = ("product_id", "product_key", "id", "src", "sha256", "filename", "position", "alt")


@dataclass(frozen=True)
class Columns:
    """A file's column names. `names` has those that differ from ours."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    several: str = ""  # the separator of values in one cell
    escape: str = ""  # in front of a separator that is part of a value
    without: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by column: rows with these values are skipped
    skips_empty: bool = False  # ignore rows without an image

    def values(self, cell: str) -> list[str]:
        """The values of a cell, in order; an empty one between two separators is one too."""
        before = f"(?<!{re.escape(self.escape)})" if self.escape else ""
        found = re.split(before + re.escape(self.several), cell)
        return [each.replace(self.escape + self.several, self.several).strip() for each in found]

    def of(self, ours: str) -> Sequence[str]:
        return self.names.get(ours, () if self.skips_empty else (ours,))


def known() -> dict[str, Columns]:
    """The column maps by platform."""
    found = tomllib.loads(files(__package__).joinpath("maps.toml").read_text())
    return {
        name: Columns(
            {ours: tuple(told[ours]) for ours in OURS if ours in told},
            told.get("several", ""),
            told.get("escape", ""),
            told.get("without", {}),
            skips_empty=True,
        )
        for name, told in found.items()
    }
