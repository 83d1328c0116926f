"""What a migration may do while the version before it still serves: CONTRIBUTING.md, "Migrations", as a program.

It reads the SQL that a migration would send, whichever way it was written.
"""

import io
import re
from collections.abc import Callable

from alembic.migration import MigrationContext
from alembic.operations import Operations

# What is wrong with a statement, by what it looks like. `{new}` is a table that the same migration has made.
RULES = {
    r"ALTER TABLE .* DROP |DROP (TABLE|VIEW|SEQUENCE|TYPE)": "takes away what the version before may read or write",
    r"DROP INDEX (?!CONCURRENTLY)": "locks the table; drop it concurrently",
    r"ALTER .* RENAME": "renames what the version before calls otherwise",
    r"ALTER TABLE .* ALTER COLUMN \S+ (SET DATA )?TYPE|ALTER TYPE": "rewrites the table, or changes a type in use",
    r"ALTER TABLE .* ALTER COLUMN \S+ SET NOT NULL": "scans the table under its lock, and refuses what is null today",
    r"ALTER TABLE .* ADD COLUMN (?!.*DEFAULT).*NOT NULL": "refuses the rows that the version before inserts",
    r"ALTER TABLE .* ADD COLUMN .*(GENERATED|SERIAL|random|clock_timestamp)": "rewrites the table under its lock",
    r"ALTER TABLE .* ADD (CONSTRAINT|CHECK|FOREIGN|UNIQUE|PRIMARY)(?!.*(NOT VALID|USING INDEX))": "scans the table "
    "under its lock; add it NOT VALID, or using an index, and validate it later",
    r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)": "keeps everybody from writing while it is built; build it concurrently",
    r"UPDATE|DELETE|INSERT INTO (?!alembic_version)|MERGE|TRUNCATE": "locks many rows; do it in batches, by a command",
    r"LOCK|VACUUM FULL|CLUSTER|REINDEX (?!.*CONCURRENTLY)|ALTER TABLE .* SET (UN)?LOGGED": "locks the table",
}


def statements(upgrade: Callable[[], None]) -> list[str]:
    """What it would send to PostgreSQL, each statement on one line."""
    written = io.StringIO()
    options = {"as_sql": True, "output_buffer": written}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    with Operations.context(context):
        upgrade()
    return [" ".join(each.split()) for each in written.getvalue().split(";") if each.strip()]


def findings(upgrade: Callable[[], None]) -> list[str]:
    """What would hurt the version before; nothing that concerns only tables made here."""
    found = []
    new: set[str] = set()
    for statement in statements(upgrade):
        if made := re.match(r"CREATE (?:UNLOGGED )?TABLE (\w+)", statement):
            new.add(made[1])
            continue
        on = re.search(r"(?:ALTER TABLE(?: ONLY)?|INTO|UPDATE|DELETE FROM| ON) (\w+)", statement)
        if on and on[1] in new:
            continue
        reasons = (reason for pattern, reason in RULES.items() if re.match(pattern, statement, re.IGNORECASE))
        found += [f"{statement}: {reason}" for reason in reasons]
    return found
