"""Maps our columns to those of other systems' exports."""

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
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)  # by column: use only rows with these values
    skips_empty: bool = False  # ignore rows without an image

    def of(self, ours: str) -> Sequence[str]:
        return self.names.get(ours, () if self.skips_empty else (ours,))


def known() -> dict[str, Columns]:
    """The column maps by platform."""
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
