"""The HTTP validators of fetched pictures, and an index of images by SHA-256.

Additive: the previous version works with this schema too. If that version replaces bytes, the image's key no longer
equals the key beside the validators, which are then ignored.

Revision: 0009
Follows: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("image_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Uuid(), nullable=False),
        sa.Column("final_url", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("modified", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name="sources_image_id_fkey", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", name="sources_pkey"),
    )
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # CONCURRENTLY waits for other transactions and blocks none
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS images_by_sha256")  # left invalid by an interrupted attempt
        op.create_index("images_by_sha256", "images", ["store_id", "sha256"], postgresql_concurrently=True)
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    op.drop_index("images_by_sha256", table_name="images")
    op.drop_table("sources")
