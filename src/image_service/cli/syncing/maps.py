"""The columns of other systems' exports, by ours."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

OURS = ("product_id", "product_key", "id", "src", "sha256", "filename", "position", "alt")


@dataclass(frozen=True)
class Columns:
    """What a file calls them; `names` has those that it calls otherwise than we do."""

    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    several: str = ""  # what separates the values of one cell
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of other columns: rows with these values alone
    skips_empty: bool = False  # rows without an image are of something else

    def of(self, ours: str) -> Sequence[str]:
        return self.names.get(ours, () if self.skips_empty else (ours,))


def known() -> dict[str, Columns]:
    """By the platform's name."""
    found = tomllib.loads(files(__package__).joinpath("maps.toml").read_text())
    return {
        name: Columns(
            {ours: tuple(told[ours]) for ours in OURS if ours in told},
            told.get("several", ""),
            told.get("only", {}),
            skips_empty=True,
        )
        for name, told in found.items()
    }
