"""For many images: an index of orphans by age, and an earlier vacuum. The previous version works with it too.

Revision: 0005
Follows: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


# By default a table is vacuumed when a fifth of it has changed. With a thousand million rows that is never.
VACUUM = ("autovacuum_vacuum_scale_factor", "autovacuum_vacuum_insert_scale_factor", "autovacuum_analyze_scale_factor")


def upgrade() -> None:
    op.execute(f"ALTER TABLE images SET ({', '.join(f'{name} = 0.02' for name in VACUUM)})")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # CONCURRENTLY waits for open transactions and blocks none
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS images_orphans")  # left invalid by an interrupted attempt
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
    op.execute(f"ALTER TABLE images RESET ({', '.join(VACUUM)})")
