"""A store has a language: that of texts which came without one, where an API shows all texts by language. It only adds:
the version before works with this schema too, and its stores get the default.

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
