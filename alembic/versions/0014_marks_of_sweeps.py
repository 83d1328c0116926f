"""What the last sweep has left in the blob store too, so that a restored database is told from the one before.

It only adds: the version before works with this schema too.

Revision: 0014
Follows: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("instance", sa.Column("mark", sa.Uuid(), nullable=True))
    op.add_column("instance", sa.Column("next_mark", sa.Uuid(), nullable=True))


def downgrade() -> None:
    op.drop_column("instance", "next_mark")
    op.drop_column("instance", "mark")
