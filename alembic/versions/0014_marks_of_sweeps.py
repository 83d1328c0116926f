"""The last sweep's mark, which the blob store has too: it detects a restored database.

Additive: the previous version works with this schema too.

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
