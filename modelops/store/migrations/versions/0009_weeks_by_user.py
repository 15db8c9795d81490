"""Weeks by user instead of days by user alone; `store/migrating.py` adds them up from days."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute("DELETE FROM rollups WHERE cube = 'day-user'")
