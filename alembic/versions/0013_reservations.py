"""Reserves keys before storing bytes under them.

Additive. The previous version reserves no keys: an audit, which lists all blobs, finds what its crashes leave.

Revision: 0013
Follows: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("reserved_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="reservations_pkey"),
    )


def downgrade() -> None:
    op.drop_table("reservations")
