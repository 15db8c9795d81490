"""An attempt as a row of its table, and back; many rows as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.metering.histogram import bucket_of
from modelops.store.tables import attempts

Columns = Mapping[str, Sequence[Any]]
"""The values of a batch of attempts by name of the column."""

NAMES = tuple(column.name for column in attempts.c)
BOOLS = ("stream", "final", "simulated")


def values_of(row: Attempt) -> tuple[Any, ...]:
    """Return an attempt as a row, in the order of the table."""
    usage, cost, first_content = row.usage, row.cost, row.first_content_us
    return (
        bytearray.fromhex(row.attempt_id),
        bytearray.fromhex(row.request_id),
        row.client_request_id,
        row.started_at_us,
        row.revision,
        row.agent,
        row.user,
        row.chain,
        row.position,
        row.number,
        row.provider,
        row.model,
        row.endpoint,
        row.protocol,
        row.stream,
        row.service_tier,
        usage.source,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.billed_tool_calls,
        cost.source,
        cost.total_pico,
        cost.input_pico,
        cost.output_pico,
        cost.estimate_pico,
        row.latency_us,
        bucket_of(row.latency_us // row.weight),
        first_content,
        None if first_content is None else bucket_of(first_content // row.weight),
        row.outcome,
        row.status,
        row.error_class,
        row.message,
        row.finish_reason,
        row.final,
        row.simulated,
        row.weight,
    )


def columns_of(rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Return one or more rows as columns."""
    return dict(zip(NAMES, zip(*rows, strict=True), strict=True))


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
            "usage": Usage(
                source=row["usage_source"],
                input_tokens=row["input_tokens"],
                output_tokens=row["output_tokens"],
                cache_read_tokens=row["cache_read_tokens"],
                cache_write_tokens=row["cache_write_tokens"],
                cache_write_1h_tokens=row["cache_write_1h_tokens"],
                reasoning_tokens=row["reasoning_tokens"],
                billed_tool_calls=row["billed_tool_calls"],
            ),
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
