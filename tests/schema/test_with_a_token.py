"""schemathesis over the whole description, all of its checks on, as a store (docs/decisions/0042)."""

from tests.schema.conftest import Attacked


async def test_with_a_token(attacked: Attacked) -> None:
    run = await attacked.attack("schemathesis.toml")
    run.found_nothing_in(attacked.operations)
    assert {phase["status"] for phase in run.report["phases"].values()} == {"success"}
    assert set(run.report["valid_rates"]) == attacked.operations
    for name, phases in run.report["valid_rates"].items():
        assert all(rates["accepted"] for rates in phases.values()), (
            name,
            phases,
        )  # each got to where it does something
