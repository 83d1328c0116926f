"""Work that outlives its request: pgqueuer's tables, without its trigger, and the stores' jobs. Additive: the previous
version works with this schema too, and does not touch the queue.

Revision: 0012
Follows: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATUSES = ("queued", "picked", "successful", "exception", "canceled", "deleted", "failed")
STATUS = postgresql.ENUM(*STATUSES, name="pgqueuer_status", create_type=False)
QUEUED, PICKED, FAILED = (f"'{status}'::pgqueuer_status" for status in ("queued", "picked", "failed"))
# The queue's rows live for seconds and change twice: vacuum after 1 % has changed, and leave room for HOT updates.
BUSY = "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True)


def _time(name: str) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _json(name: str, default: str | None = None) -> sa.Column[object]:
    json = postgresql.JSONB(astext_type=sa.Text())
    return sa.Column(name, json, nullable=default is None, server_default=default)


def _of_store() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["store_id"], ["stores.id"], ondelete="CASCADE")


def upgrade() -> None:
    STATUS.create(op.get_bind())
    op.create_table(
        "pgqueuer",
        _id(),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.Text(), server_default="", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queue_manager_id", sa.Uuid(), nullable=True),
        *map(_time, ("created", "updated", "heartbeat", "execute_after")),
        sa.Column("status", STATUS, server_default="queued", nullable=False),
        sa.Column("entrypoint", sa.Text(), nullable=False),
        sa.Column("dedupe_key", sa.Text(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=True),
        _json("headers"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        _of_store(),
    )
    op.execute(f"ALTER TABLE pgqueuer SET ({BUSY})")
    for name, columns, where, unique in (
        ("pgqueuer_lanes", ["store_id", "lane", sa.text("priority DESC"), "id"], f"status = {QUEUED}", False),
        ("pgqueuer_picked_heartbeat_idx", ["heartbeat"], f"status = {PICKED}", False),
        ("pgqueuer_picked_slot_idx", ["entrypoint", "slot"], f"status = {PICKED} AND slot IS NOT NULL", True),
        (
            "pgqueuer_unique_dedupe_key",
            ["dedupe_key"],
            f"status = ANY (ARRAY[{QUEUED}, {PICKED}]) AND dedupe_key IS NOT NULL",
            True,
        ),
        ("pgqueuer_held", ["id"], f"status = {FAILED}", False),
    ):
        op.create_index(name, "pgqueuer", columns, unique=unique, postgresql_where=sa.text(where))
    op.create_index("pgqueuer_of_store", "pgqueuer", ["store_id"])
    op.create_table(
        "pgqueuer_log",
        _id(),
        _time("created"),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("status", STATUS, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("entrypoint", sa.Text(), nullable=False),
        _json("traceback"),
        sa.Column("aggregated", sa.Boolean(), server_default=sa.false(), nullable=True),
    )
    op.create_index("pgqueuer_log_created", "pgqueuer_log", ["created"])
    op.create_index("pgqueuer_log_job_id_status", "pgqueuer_log", ["job_id", sa.text("created DESC")])
    op.create_table(
        "pgqueuer_statistics",
        _id(),
        _time("created"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("status", STATUS, nullable=False),
        sa.Column("entrypoint", sa.Text(), nullable=False),
    )
    op.create_table(
        "store_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        _json("result"),
        _json("receipts", "[]"),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        _time("created_at"),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'finished', 'failed', 'cancelled')", name="store_jobs_states"
        ),
        _of_store(),
    )
    op.create_index("store_jobs_of_store", "store_jobs", ["store_id", "created_at", "id"])
    op.create_index("store_jobs_by_age", "store_jobs", ["created_at"])


def downgrade() -> None:
    for table in ("store_jobs", "pgqueuer_statistics", "pgqueuer_log", "pgqueuer"):
        op.drop_table(table)
    STATUS.drop(op.get_bind())
