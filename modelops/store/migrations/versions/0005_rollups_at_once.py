"""Attempts are added to the rollups as they are inserted; those that were not yet are added here.

An attempt gets a weight: how many it stands for.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SLOT_US = 900_000_000
CUBES = {
    "target": (1, ("provider", "model", "revision", "status")),
    "caller": (1, ("agent", "chain", "revision", "status")),
    "user": (96, ("user", "agent")),
    "day": (96, ("provider", "model", "agent", "chain", "revision", "status")),
}
COLUMNS = ("provider", "model", "agent", "user", "chain", "revision", "status")
SUMS = {
    "attempts": "outcome NOT IN ('refused', 'adjusted')",
    "attempts_ok": "outcome = 'success'",
    "attempts_cancelled": "outcome = 'cancelled'",
    "requests": "final",
    "requests_ok": "final AND outcome = 'success'",
    "requests_fallback": "final AND outcome = 'success' AND position > 0",
    "requests_cancelled": "final AND outcome = 'cancelled'",
    "input_tokens": None,
    "output_tokens": None,
    "cache_read_tokens": None,
    "reasoning_tokens": None,
    "unmetered": "outcome NOT IN ('refused', 'adjusted') AND cost_pico IS NULL"
    " AND usage_source <> 'reported'",
    "simulated": "simulated",
    "latency_count": "outcome = 'success'",
    "first_content_count": "first_content_us IS NOT NULL",
}
MONEY = ("cost_pico", "input_cost_pico", "output_cost_pico", "estimate_pico")


def upgrade() -> None:
    for cube in CUBES:
        _add(cube)
    op.drop_table("rollup_late")
    op.drop_column("rollup_state", "rolled_until")
    op.add_column("attempts", sa.Column("weight", sa.Integer, nullable=False, server_default="1"))


def _sums() -> dict[str, str]:
    """Return the aggregate of every column of a rollup."""
    sums = {
        name: _sum(f"CASE WHEN {condition} THEN 1 ELSE 0 END" if condition else name)
        for name, condition in SUMS.items()
    }
    sums["cache_write_tokens"] = f"{_sum('cache_write_tokens')} + {_sum('cache_write_1h_tokens')}"
    sums["unpriced"] = _sum(
        "CASE WHEN outcome NOT IN ('refused', 'adjusted') AND cost_pico IS NULL"
        " AND usage_source = 'reported' THEN 1"
        " WHEN outcome = 'adjusted' AND error_class = 'unpriced' THEN -1 ELSE 0 END"
    )
    sums["latency_sum_us"] = _sum("CASE WHEN outcome = 'success' THEN latency_us ELSE 0 END")
    sums["first_content_sum_us"] = _sum("first_content_us")
    for name in MONEY:
        sums[f"{name}_large"] = _sum(f"{name} / 1000000")
        sums[f"{name}_small"] = _sum(f"{name} % 1000000")
    return sums


def _sum(value: str) -> str:
    return f"COALESCE(SUM({value}), 0)"


def _add(cube: str) -> None:
    """Add what is not rolled up yet to one cube."""
    slots, kept = CUBES[cube]
    values = {name: f'"{name}"' for name in COLUMNS}
    values["status"] = (
        "CASE WHEN final AND outcome = 'success' AND position > 0 THEN 'fallback' ELSE outcome END"
    )
    values |= {name: "0" if name == "revision" else "''" for name in COLUMNS if name not in kept}
    named = ", ".join(f"{value} AS g_{name}" for name, value in values.items())
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    keys = ", ".join(f"g_{name}" for name in COLUMNS)
    slot = f"started_at_us / {slots * SLOT_US} AS g_slot"
    open_rows = (
        "FROM attempts WHERE (started_at_us >="  # noqa: S608  # constants only, here and below
        f" (SELECT MAX(rolled_until) FROM rollup_state) * CAST({SLOT_US} AS BIGINT)"
        " OR attempt_id IN (SELECT attempt_id FROM rollup_late))"
    )
    joined = (
        "usage_groups.cube = '"
        + cube
        + "' AND "
        + " AND ".join(f'usage_groups."{name}" = g_{name}' for name in COLUMNS)
    )
    op.execute(
        f"INSERT INTO usage_groups (cube, {columns})"  # noqa: S608
        f" SELECT DISTINCT '{cube}', {keys} FROM (SELECT {named} {open_rows}) AS found"
        " WHERE true ON CONFLICT DO NOTHING"
    )
    sums = _sums()
    added = ", ".join(f"{value} AS s_{name}" for name, value in sums.items())
    op.execute(
        f"INSERT INTO rollups (cube, slot, group_id, {', '.join(sums)})"  # noqa: S608
        f" SELECT '{cube}', g_slot, group_id, {', '.join(f's_{name}' for name in sums)}"
        f" FROM (SELECT {named}, {slot}, {added} {open_rows} GROUP BY {keys}, g_slot) AS found"
        f" JOIN usage_groups ON {joined} WHERE true"
        " ON CONFLICT (cube, slot, group_id) DO UPDATE SET "
        + ", ".join(f"{name} = rollups.{name} + excluded.{name}" for name in sums)
    )
    counted = " UNION ALL ".join(
        f"SELECT {named}, {slot}, {bucket} AS g_bucket, {latency} AS latency,"
        f" {1 - latency} AS first_content {open_rows} AND {condition}"
        for bucket, latency, condition in (
            ("latency_bucket", 1, "outcome = 'success'"),
            ("first_content_bucket", 0, "first_content_us IS NOT NULL"),
        )
    )
    op.execute(
        "INSERT INTO rollup_durations (cube, slot, group_id, bucket, latency, first_content)"  # noqa: S608
        f" SELECT '{cube}', g_slot, group_id, g_bucket, SUM(latency), SUM(first_content)"
        f" FROM ({counted}) AS found JOIN usage_groups ON {joined}"
        " GROUP BY g_slot, group_id, g_bucket"
        " ON CONFLICT (cube, slot, group_id, bucket) DO UPDATE SET"
        " latency = rollup_durations.latency + excluded.latency,"
        " first_content = rollup_durations.first_content + excluded.first_content"
    )
