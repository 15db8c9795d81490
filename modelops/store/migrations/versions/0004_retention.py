"""Up to where attempts are deleted, their sums being kept."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "rollup_state", sa.Column("pruned_until", sa.Integer, nullable=False, server_default="0")
    )
