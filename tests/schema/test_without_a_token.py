"""schemathesis over the whole description, all of its checks on, as a stranger (docs/decisions/0042)."""

from image_service.delivery.names import PREFIX
from image_service.site.dialect import DIALECT
from tests.schema.conftest import IS_LONG, Attacked

OPEN = (PREFIX, *DIALECT.prefixes)  # to everybody


async def test_without_a_token(attacked: Attacked) -> None:
    # At the bounds of what is described a stranger is answered as anywhere: the run with a token takes them all.
    phases = () if IS_LONG else ("--phases", "examples,fuzzing")
    run = await attacked.attack("without_token.toml", *phases)
    run.found_nothing_in(attacked.operations)
    accepted = {name for name, phases in run.report["valid_rates"].items() if any(map(_accepted, phases.values()))}
    is_open = {name for name in attacked.operations if name.split(" ")[1].startswith(OPEN)}
    assert accepted == is_open | {"POST /uploads/{id}"}  # whose signed URL is for those who have no token


def _accepted(rates: dict[str, int]) -> bool:
    return rates["accepted"] > 0
