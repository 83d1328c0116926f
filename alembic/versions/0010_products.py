"""Names and keys of products, and the numbers of products created by key. Additive: the previous version works with
this schema too.

Revision: 0010
Follows: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "products",
        sa.Column("store_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("product_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("name", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("key IS NOT NULL OR name IS NOT NULL", name="products_described"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("store_id", "product_id"),
        sa.UniqueConstraint("store_id", "key", name="products_one_per_key"),
    )
    op.execute(f"CREATE SEQUENCE product_ids MINVALUE {2**52} MAXVALUE {2**53 - 1}")


def downgrade() -> None:
    op.execute("DROP SEQUENCE product_ids")
    op.drop_table("products")
