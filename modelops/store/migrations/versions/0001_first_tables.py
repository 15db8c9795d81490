"""The first tables: the head, revisions, content by digest, members, attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "store",
        sa.Column("id", sa.SmallInteger, primary_key=True),
        sa.Column("store_id", sa.String(32), nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("config_digest", sa.String(64), nullable=False),
        sa.CheckConstraint("id = 1", name="single"),
    )
    op.create_table(
        "revisions",
        sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("base", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("config_digest", sa.String(64), nullable=False),
        sa.Column("created_at_us", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("git_commit", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("catalog", sa.Text, nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
    )
    op.create_table(
        "resources",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("form", sa.SmallInteger, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
    )
    op.create_table(
        "members",
        sa.Column("address", sa.Text, primary_key=True),
        sa.Column("since", sa.Integer, sa.ForeignKey("revisions.revision"), primary_key=True),
        sa.Column("until", sa.Integer, sa.ForeignKey("revisions.revision"), nullable=True),
        sa.Column("digest", sa.String(64), sa.ForeignKey("resources.digest"), nullable=False),
    )
    op.create_index("ix_members_until", "members", ["until"])
    _create_attempts()


def _create_attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.LargeBinary(16), primary_key=True),
        sa.Column("request_id", sa.LargeBinary(16), nullable=False),
        sa.Column("client_request_id", sa.Text, nullable=False),
        sa.Column("started_at_us", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("user", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("number", sa.SmallInteger, nullable=False),
        sa.Column("provider", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("service_tier", sa.Text, nullable=False),
        sa.Column("usage_source", sa.String(16), nullable=False),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cache_read_tokens", sa.BigInteger),
        sa.Column("cache_write_tokens", sa.BigInteger),
        sa.Column("cache_write_1h_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("billed_tool_calls", sa.Integer),
        sa.Column("cost_source", sa.String(16), nullable=False),
        sa.Column("cost_pico", sa.BigInteger),
        sa.Column("input_cost_pico", sa.BigInteger),
        sa.Column("output_cost_pico", sa.BigInteger),
        sa.Column("estimate_pico", sa.BigInteger),
        sa.Column("latency_us", sa.BigInteger, nullable=False),
        sa.Column("latency_bucket", sa.SmallInteger, nullable=False),
        sa.Column("first_content_us", sa.BigInteger),
        sa.Column("first_content_bucket", sa.SmallInteger),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("error_class", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("finish_reason", sa.Text, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
    )
    op.create_index("ix_attempts_started_at_us", "attempts", ["started_at_us"])
