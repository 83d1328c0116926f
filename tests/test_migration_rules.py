"""Migrations expand first and contract a release later; one that must do otherwise says why, as `CONTRACTS`."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import op
from alembic.script import Script, ScriptDirectory

from image_service.database.migration_scripts import FOLDER, NEWEST
from tests.migration_rules import findings

SCRIPTS = list(ScriptDirectory(str(FOLDER)).walk_revisions())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.revision)
def test_the_version_before_can_go_on(script: Script) -> None:
    found = findings(script.module.upgrade)
    reason = getattr(script.module, "CONTRACTS", None)
    assert bool(found) == bool(reason), "\n".join(found) or f"nothing to excuse: {reason}"


def test_the_last_by_name_is_the_one_that_a_database_ends_with() -> None:
    assert SCRIPTS[0].revision == NEWEST  # from the head down


def new_column(**options: Any) -> Callable[[], None]:
    return lambda: op.add_column("images", sa.Column("caption", sa.Text(), **options))


def index(**options: Any) -> Callable[[], None]:
    return lambda: op.create_index("images_by_width", "images", ["width"], **options)


def table_with_index() -> None:
    op.create_table("captions", sa.Column("id", sa.BigInteger(), primary_key=True))
    op.create_index("captions_by_id", "captions", ["id"])
    op.execute("INSERT INTO captions (id) VALUES (1)")


def index_beside() -> None:
    with op.get_context().autocommit_block():
        index(postgresql_concurrently=True)()


HURTS: dict[str, Callable[[], None]] = {
    "a table dropped": lambda: op.drop_table("trash"),
    "a column dropped": lambda: op.drop_column("images", "alt"),
    "a constraint dropped": lambda: op.drop_constraint("images_position_from_1", "images"),
    "an index dropped": lambda: op.drop_index("images_first"),
    "a column renamed": lambda: op.alter_column("images", "alt", new_column_name="caption"),
    "a table renamed": lambda: op.rename_table("images", "pictures"),
    "another type": lambda: op.alter_column("images", "bytes", type_=sa.BigInteger()),
    "never null": lambda: op.alter_column("images", "alt", nullable=False),
    "a column that old rows lack": new_column(nullable=False),
    "an index that locks": index(),
    "a unique constraint": lambda: op.create_unique_constraint("once", "images", ["sha256"]),
    "a check": lambda: op.create_check_constraint("small", "images", "bytes < 100"),
    "rows changed": lambda: op.execute("UPDATE images SET alt = NULL"),
    "an enum": lambda: op.execute("ALTER TYPE kind ADD VALUE 'other'"),
    "white space": lambda: op.execute("\n  ALTER TABLE images\n  DROP COLUMN alt"),
    "lower case": lambda: op.execute("drop table images"),
}
HARMLESS: dict[str, Callable[[], None]] = {
    "a table with its index": table_with_index,
    "a column that may be null": new_column(),
    "a column with a default": new_column(nullable=False, server_default=""),
    "an index built beside": index_beside,
    "a check for new rows": lambda: op.create_check_constraint(
        "small", "images", "bytes < 100", postgresql_not_valid=True
    ),
    "validated later": lambda: op.execute("ALTER TABLE images VALIDATE CONSTRAINT small"),
}


@pytest.mark.parametrize("upgrade", HURTS.values(), ids=HURTS)
def test_what_hurts_is_found(upgrade: Callable[[], None]) -> None:
    assert len(findings(upgrade)) == 1


@pytest.mark.parametrize("upgrade", HARMLESS.values(), ids=HARMLESS)
def test_what_does_not_is_not(upgrade: Callable[[], None]) -> None:
    assert findings(upgrade) == []
