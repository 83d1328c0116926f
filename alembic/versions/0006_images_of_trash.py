"""The trash stores each key's image id, to distinguish an image's old URL from that of a deleted image. Additive: the
previous version works with this schema too, and leaves the column empty.

Revision: 0006
Follows: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trash", sa.Column("image_id", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("trash", "image_id")
