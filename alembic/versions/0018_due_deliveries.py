"""An index of each webhook's due deliveries.

Additive: the previous version works with this schema too. While both run, an event may be sent twice.

Revision: 0018
Follows: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

NAME = "deliveries_due"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # CONCURRENTLY waits for other transactions and blocks none
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {NAME}")  # left invalid by an interrupted attempt
        op.create_index(
            NAME,
            "deliveries",
            ["webhook_id", sa.text("coalesce(next_at, created_at)")],
            postgresql_where=sa.text("state = 'waiting'"),
            postgresql_concurrently=True,
        )
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    op.drop_index(NAME, table_name="deliveries")
