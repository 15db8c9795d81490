"""The tables, as Core objects: what every statement in this room is built from.

Types are those that SQLite and Postgres hold exactly: BIGINT for money (pico-USD) and for times
(microseconds), 16 bytes for ids, text for digests. Constraints are named, so that a migration can
name them too.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
)


class Bytes(LargeBinary):
    """Bytes as the driver has them: SQLAlchemy's own type copies each value twice."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Pass values on."""

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Pass values on."""


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

store = Table(
    "store",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("store_id", String(32), nullable=False),
    Column("config", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("config_digest", String(64), nullable=False),
)
"""One row: what the store belongs to, and its head."""

revisions = Table(
    "revisions",
    metadata,
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("base", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("config_digest", String(64), nullable=False),
    Column("created_at_us", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("git_commit", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("catalog", Text, nullable=False),
    Column("counts", Text, nullable=False),
    Column("notes", Text, nullable=False, server_default="{}"),
)
"""The history, revision 1 onwards."""

resources = Table(
    "resources",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("address", Text, nullable=False),
    Column("form", SmallInteger, nullable=False),
    Column("content", Text, nullable=False),
)
"""Content by its digest, kept once however many revisions hold it."""

members = Table(
    "members",
    metadata,
    Column("address", Text, primary_key=True),
    Column("since", Integer, ForeignKey("revisions.revision"), primary_key=True),
    Column("until", Integer, ForeignKey("revisions.revision"), nullable=True),
    Column("digest", String(64), ForeignKey("resources.digest"), nullable=False),
    Index("ix_members_until", "until"),
)
"""Which content stood at an address from revision `since` up to, but not in, `until`."""

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", LargeBinary(16), primary_key=True),
    Column("request_id", LargeBinary(16), nullable=False),
    Column("client_request_id", Text, nullable=False),
    Column("started_at_us", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("agent", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("chain", Text, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("number", SmallInteger, nullable=False),
    Column("provider", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("stream", Boolean, nullable=False),
    Column("service_tier", Text, nullable=False),
    Column("usage_source", String(16), nullable=False),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("cache_write_1h_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("billed_tool_calls", Integer),
    Column("cost_source", String(16), nullable=False),
    Column("cost_pico", BigInteger),
    Column("input_cost_pico", BigInteger),
    Column("output_cost_pico", BigInteger),
    Column("estimate_pico", BigInteger),
    Column("latency_us", BigInteger, nullable=False),
    Column("latency_bucket", SmallInteger, nullable=False),
    Column("first_content_us", BigInteger),
    Column("first_content_bucket", SmallInteger),
    Column("outcome", String(16), nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("error_class", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("finish_reason", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("simulated", Boolean, nullable=False),
    Column("weight", Integer, nullable=False, server_default="1"),
    Index("ix_attempts_started_at_us", "started_at_us"),
)
"""The books: one row per attempt, as in metering/attempt.py. No foreign key: rows outlive
revisions and may arrive in any order. Buckets are those of metering/histogram.py.
"""

sealed_secrets = Table(
    "sealed_secrets",
    metadata,
    Column("address", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("source_sha256", String(64), nullable=False),
    Column("data_key_sha256", String(64), nullable=False),
    Column("origin", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("replaced", Text, nullable=False, server_default=""),
)
"""Sealed secrets and references, one row per place (secrets/sealed.py)."""

instances = Table(
    "instances",
    metadata,
    Column("instance", String(64), primary_key=True),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at_us", BigInteger, nullable=False),
    Column("seen_at_us", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("report", Text, nullable=False),
)
"""Server workers, as each last said of itself."""

probe_results = Table(
    "probe_results",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("tested_at_us", BigInteger, nullable=False),
    Column("report", Text, nullable=False),
)
"""The last connection test of every provider."""

journals = Table(
    "journals",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("consumed", BigInteger, nullable=False),
)
"""How many bytes of each worker's journal are in `attempts`: written with the rows themselves."""

CELL = ("cube", "unit", "user", "agent", "provider", "model", "chain", "revision", "status")
"""What tells the cells of rollups apart."""

rollups = Table(
    "rollups",
    metadata,
    Column("cube", String(16), primary_key=True),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    *(
        Column(name, Text, primary_key=True)
        for name in ("user", "agent", "provider", "model", "chain")
    ),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("status", String(16), primary_key=True),
    *(Column(name, Bytes, nullable=False) for name in ("sums", "latency", "first_content")),
    sqlite_with_rowid=False,
)
"""Attempts added up (sums.py), one row per cell: a cube (cubes.py), a unit of its length of time
numbered from 1970, and values; those that a cube does not keep are '' and 0.
"""

rollup_state = Table(
    "rollup_state",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True),
    Column("pruned_until", Integer, nullable=False, server_default="0"),
)
"""One row: up to which slot, exclusive, attempts are deleted; rollups stay."""
