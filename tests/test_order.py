"""The files that are said to take longest are there."""

from pathlib import Path

from tests.order import LONGEST


def test_no_name_has_gone() -> None:
    assert [each for each in LONGEST if not list(Path(__file__).parent.glob(f"{each}*"))] == []
