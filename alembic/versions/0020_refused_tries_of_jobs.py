"""Notes when a host first refused a job's picture: the job's retries are counted from there.

Additive: the previous version works with this schema too. Its `tries` count every run, so a job that it has begun may
get fewer retries.

Revision: 0020
Follows: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("store_jobs", sa.Column("first_refused_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("store_jobs", "first_refused_at")
