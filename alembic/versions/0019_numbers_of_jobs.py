"""Numbers the jobs in the order of their requests; an image has the number of the job that made it.

Additive: the previous version works with this schema too. Images that it makes have no number.

Revision: 0019
Follows: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("images", sa.Column("job_number", sa.BigInteger()))  # locked first, as by a job that ends
    op.execute("CREATE SEQUENCE store_job_numbers")
    # The default comes second: rows that exist stay without a number, and are not written.
    op.add_column("store_jobs", sa.Column("number", sa.BigInteger()))
    op.alter_column("store_jobs", "number", server_default=sa.text("nextval('store_job_numbers')"))


def downgrade() -> None:
    op.drop_column("images", "job_number")
    op.drop_column("store_jobs", "number")
    op.execute("DROP SEQUENCE store_job_numbers")
