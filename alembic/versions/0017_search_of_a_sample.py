"""Indexes of a sample of products, searched first: a frequent word then needs no scan of all its entries.

Additive: the previous version works with this schema too.

Revision: 0017
Follows: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

IN_SAMPLE = "product_id / 64 % 17 = 0"
WORDS = {"images": "image_words(store_id, filename, alt)", "products": "product_words(store_id, key, name)"}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # CONCURRENTLY waits for other transactions and blocks none
        for table, words in WORDS.items():
            name = f"{table}_search_sample"
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")  # left invalid by an interrupted attempt
            op.create_index(
                name,
                table,
                [sa.text(words)],
                postgresql_using="gin",
                postgresql_with={"fastupdate": "off"},
                postgresql_where=sa.text(IN_SAMPLE),
                postgresql_concurrently=True,
            )
        op.execute("SET lock_timeout = '2s'")


def downgrade() -> None:
    for table in WORDS:
        op.drop_index(f"{table}_search_sample", table_name=table)
