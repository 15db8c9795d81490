"""An attempt as a row of its table, and back; many rows as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.metering.histogram import buckets_of
from modelops.store.tables import attempts

Columns = Mapping[str, Sequence[Any]]
"""The values of one or more attempts by name of the column."""

NAMES = tuple(column.name for column in attempts.c)
BOOLS = ("stream", "final", "simulated")
_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
    "reasoning_tokens",
    "billed_tool_calls",
)


def columns_of(rows: Sequence[Attempt]) -> Columns:
    """Return one or more attempts as columns.

    By way of tuples, which msgspec makes at once: reading attributes one by one takes three times
    as long.
    """
    columns = _fields(rows)
    usage, cost = _fields(columns.pop("usage")), _fields(columns.pop("cost"))
    weights, latencies = columns["weight"], columns["latency_us"]
    return {
        **columns,
        "attempt_id": [*map(bytearray.fromhex, columns["attempt_id"])],
        "request_id": [*map(bytearray.fromhex, columns["request_id"])],
        "usage_source": usage["source"],
        **{name: usage[name] for name in _COUNTS},
        "cost_source": cost["source"],
        "cost_pico": cost["total_pico"],
        "input_cost_pico": cost["input_pico"],
        "output_cost_pico": cost["output_pico"],
        "estimate_pico": cost["estimate_pico"],
        "latency_bucket": buckets_of(latencies, weights),
        "first_content_bucket": buckets_of(columns["first_content_us"], weights),
    }


def _fields(rows: Sequence[msgspec.Struct]) -> dict[str, Sequence[Any]]:
    names = rows[0].__struct_fields__
    tuples = [*map(msgspec.structs.astuple, rows)]
    return dict(zip(names, zip(*tuples, strict=True), strict=True))


_SAME_NAME = tuple(
    name
    for name in Attempt.__struct_fields__
    if name not in ("attempt_id", "request_id", "usage", "cost")
)


def attempt_of(row: Mapping[Any, Any]) -> Attempt:
    """Return the attempt that a row holds."""
    return msgspec.convert(
        {
            **{name: row[name] for name in _SAME_NAME},
            "attempt_id": row["attempt_id"].hex(),
            "request_id": row["request_id"].hex(),
            "usage": Usage(source=row["usage_source"], **{name: row[name] for name in _COUNTS}),
            "cost": Cost(
                source=row["cost_source"],
                total_pico=row["cost_pico"],
                input_pico=row["input_cost_pico"],
                output_pico=row["output_cost_pico"],
                estimate_pico=row["estimate_pico"],
            ),
        },
        Attempt,
    )
