"""The index of orphans by age. It only adds: the version before works with this schema too.

Revision: 0004
Follows: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for every transaction under way, and nobody waits for it
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS images_orphans")  # half of it, of an attempt that was cut short
        op.create_index(
            "images_orphans",
            "images",
            ["created_at", "id"],
            postgresql_where=sa.text("product_id IS NULL"),
            postgresql_concurrently=True,
        )
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    op.drop_index("images_orphans", table_name="images")
