"""What is told of a store that has just been made."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewStore:
    """`token` is shown this once."""

    store_id: int
    token: str
