"""`kill -9` of the service, of its database, of both, in the middle of everything: nothing acknowledged is lost."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_service.database import migrations
from image_service.database.database import Database
from image_service.stores import registry
from tests.faults import hasty_service, killing
from tests.faults.killing import SETTINGS, TOKEN
from tests.faults.runs import RUNS
from tests.processes import Server

WAYS = (killing.everything, killing.service, killing.worker, killing.database, killing.backend, killing.both)
SEED = 1


async def test_whatever_is_killed_nothing_acknowledged_is_lost(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "service"
    async with killing.killing(folder, lambda: Server(folder, "--workers", "2", **SETTINGS), SEED) as run:
        found = await run.run(RUNS, WAYS)
        for name, value in run.figures().items():
            record_property(name, value)
        record_property("promises broken", len(found))
        assert found == []
        assert run.killed.total() == RUNS


async def test_a_service_that_answers_before_the_bytes_are_stored_is_found_out(
    tmp_path: Path, empty_database: str, record_property: Callable[[str, object], None]
) -> None:
    """The same load, the same kills, the same reckoning: they do notice."""
    await migrations.upgrade(empty_database)
    database = Database(empty_database, connections=2)
    await registry.bootstrap(database, "1", TOKEN)
    await database.close()
    folder = tmp_path / "service"
    program = (sys.executable, hasty_service.__file__)
    only: dict[str, Any] = {"DATABASE_URL": empty_database, "FETCH_ALLOW_PRIVATE": "true"}
    async with killing.killing(folder, lambda: Server(folder, program=program, **only), SEED) as run:
        found = await run.run(2, [killing.everything], **only)
    lost = {each.split()[1] for each in found if "is lost" in each}
    missing = {each.split()[4] for each in found if each.startswith("verify: ") and each.endswith(" missing")}
    record_property("images acknowledged", run.load.images)
    record_property("images found missing", len(missing))
    assert missing
    assert missing <= lost  # some are only late
