"""Rollups as packed sums in one table; `store/migrating.py` adds the attempts up anew after it."""

import sqlalchemy as sa
from alembic import op

from modelops.store.protocol import StoreError

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    pruned = "SELECT pruned_until FROM rollup_state WHERE pruned_until > 0"
    if op.get_bind().execute(sa.text(pruned)).first():
        raise StoreError(
            "attempts of this store were deleted by a version before the first release, so their"
            " sums cannot be made anew",
            "begin a new store, and keep this one with that version for its reports",
        )
    for table in ("rollup_durations", "rollups", "usage_groups"):
        op.drop_table(table)
    op.create_table(
        "rollups",
        sa.Column("cube", sa.String(16), primary_key=True),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        *(
            sa.Column(name, sa.Text, primary_key=True)
            for name in ("user", "agent", "provider", "model", "chain")
        ),
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("status", sa.String(16), primary_key=True),
        *(
            sa.Column(name, sa.LargeBinary, nullable=False)
            for name in ("sums", "latency", "first_content")
        ),
        sqlite_with_rowid=False,
    )
