"""Which variants of its product an image belongs to. It only adds: the version before works with this schema too, and
leaves the column as it is.

Revision: 0008
Follows: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("variant_ids", sa.ARRAY(sa.BigInteger()), nullable=True))


def downgrade() -> None:
    op.drop_column("images", "variant_ids")
