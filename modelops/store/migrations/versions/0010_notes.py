"""Notes of a revision: whose secret it changed and what it moved. Older ones have none."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("revisions", sa.Column("notes", sa.Text, nullable=False, server_default="{}"))
