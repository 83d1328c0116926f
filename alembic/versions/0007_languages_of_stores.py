"""A store's language, which applies to texts without one in APIs that show texts by language. Additive: the previous
version works with this schema too, and its stores get the default.

Revision: 0007
Follows: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("stores", sa.Column("language", sa.Text(), nullable=False, server_default="es"))


def downgrade() -> None:
    op.drop_column("stores", "language")
