"""Webhooks and their deliveries. Additive: the previous version works with this schema too, and sends no events.

Revision: 0015
Follows: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Each row is updated once or twice, soon after its creation. Free space in its page allows HOT updates.
BUSY = "fillfactor = 80"


def _time(name: str, **options: object) -> sa.Column[sa.DateTime]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)  # type: ignore[arg-type]


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("store_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret", sa.LargeBinary(), nullable=True),
        _time("previous_until", nullable=True),
        _time("created_at", server_default=sa.text("now()"), nullable=False),
        _time("failing_since", nullable=True),
        _time("switched_off_at", nullable=True),
        sa.Column("switched_off_why", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], ondelete="CASCADE"),
    )
    op.create_index("webhooks_of_store", "webhooks", ["store_id"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        _time("created_at", server_default=sa.text("now()"), nullable=False),
        _time("attempted_at", nullable=True),
        _time("next_at", nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="deliveries_states"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], ondelete="CASCADE"),
    )
    op.execute(f"ALTER TABLE deliveries SET ({BUSY})")
    op.create_index("deliveries_of_webhook", "deliveries", ["webhook_id", "created_at", "id"])
    op.create_index("deliveries_by_age", "deliveries", ["created_at"])


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("webhooks")
