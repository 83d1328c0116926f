"""The data of a new store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewStore:
    """`token` is shown this once."""

    store_id: int
    token: str
