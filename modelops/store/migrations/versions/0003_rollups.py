"""Attempts added up by quarters of an hour and by days, so that reports need not read them all."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

SUMMED = (
    "attempts",
    "attempts_ok",
    "attempts_cancelled",
    "requests",
    "requests_ok",
    "requests_fallback",
    "requests_cancelled",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "unpriced",
    "unmetered",
    "simulated",
    "latency_count",
    "latency_sum_us",
    "first_content_count",
    "first_content_sum_us",
    "cost_pico_large",
    "cost_pico_small",
    "input_cost_pico_large",
    "input_cost_pico_small",
    "output_cost_pico_large",
    "output_cost_pico_small",
    "estimate_pico_large",
    "estimate_pico_small",
)


def upgrade() -> None:
    op.create_table(
        "usage_groups",
        sa.Column("group_id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("cube", sa.String(16), nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.UniqueConstraint(
            "cube",
            "provider",
            "model",
            "agent",
            "user",
            "chain",
            "revision",
            "status",
            name="uq_usage_groups_values",
        ),
    )
    op.create_table(
        "rollups",
        sa.Column("cube", sa.String(16), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        _group_id(),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in SUMMED),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_durations",
        sa.Column("cube", sa.String(16), primary_key=True),
        sa.Column("slot", sa.Integer, primary_key=True),
        _group_id(),
        sa.Column("bucket", sa.SmallInteger, primary_key=True),
        sa.Column("latency", sa.Integer, nullable=False),
        sa.Column("first_content", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("rolled_until", sa.Integer, nullable=False),
        sa.CheckConstraint("id = 1", name="single"),
    )
    op.create_table(
        "rollup_late",
        sa.Column("attempt_id", sa.LargeBinary(16), primary_key=True),
    )


def _group_id() -> sa.Column[int]:
    return sa.Column(
        "group_id", sa.Integer, sa.ForeignKey("usage_groups.group_id"), primary_key=True
    )
