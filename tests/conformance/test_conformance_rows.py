"""The row of every recorded answer, by a gateway before the recordings and its books.

A new recording fails until its row is worked out and written down.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import conformance_gateway
import pytest
from conformance_arithmetic import FIELDS, money
from conformance_exchange import Exchange, documents, whole_row
from conformance_recordings import CASSETTES, exchanges

WRITTEN = json.loads((Path(__file__).parent / "rows.json").read_text())
ROWS: dict[str, dict[str, Any]] = WRITTEN["rows"]
RECORDED = list(exchanges()) if CASSETTES.exists() else []
CALLS = [exchange for exchange in RECORDED if exchange.endpoint]

needs_recordings = pytest.mark.skipif(
    not CASSETTES.exists(), reason=f"no recordings in {CASSETTES}"
)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """Return the rows that the gateway's books have, by the name of the exchange."""
    rows = asyncio.run(conformance_gateway.rows(CALLS))
    return {exchange.name: row for exchange, row in zip(CALLS, rows, strict=True)}


@needs_recordings
@pytest.mark.parametrize("exchange", CALLS, ids=[exchange.name for exchange in CALLS])
def test_a_recorded_answer_makes_its_row(
    exchange: Exchange, found: dict[str, dict[str, Any]]
) -> None:
    row = dict(ROWS[exchange.name])
    if row["outcome"] == "failed" and "message" not in row:
        row["message"] = _said(exchange)
    assert found[exchange.name] == whole_row(exchange, row)


@needs_recordings
def test_every_exchange_of_every_recording_has_its_row_or_a_reason_why_not() -> None:
    assert {exchange.name for exchange in CALLS} == ROWS.keys()
    others = {exchange.name for exchange in RECORDED if not exchange.endpoint}
    assert others == WRITTEN["not_calls"].keys()
    files = {path.relative_to(CASSETTES) for path in CASSETTES.rglob("*") if path.is_file()}
    assert {Path(exchange.name.partition("#")[0]) for exchange in RECORDED} == files


def test_every_row_costs_its_counts_times_the_price() -> None:
    written = {
        name: {field: row[field] for field in FIELDS if field in row} for name, row in ROWS.items()
    }
    assert written == {name: money(row) for name, row in ROWS.items()}


@needs_recordings
def test_what_a_provider_says_a_call_cost_is_its_cost() -> None:
    told = {exchange.name: cost for exchange in CALLS if (cost := _told(exchange)) is not None}
    provider = {name: row for name, row in ROWS.items() if row.get("cost_source") == "provider"}
    assert {name: Decimal(row["cost_usd"]) for name, row in provider.items()} == told


def _said(exchange: Exchange) -> str:
    """Return what a provider said went wrong, on one line."""
    errors = (each.get("error") for each in documents(exchange))
    said = next(error["message"] for error in errors if error)
    return " ".join(said.split())


def _told(exchange: Exchange) -> Decimal | None:
    """Return the cost in USD that an answer names: OpenRouter's, or xAI's in ticks of 1e-10 USD."""
    for each in documents(exchange):
        usage = (each.get("response") or each).get("usage") or {}
        if usage.get("cost") is not None:
            return Decimal(usage["cost"])
        if usage.get("cost_in_usd_ticks") is not None:
            return Decimal(usage["cost_in_usd_ticks"]).scaleb(-10)
    return None
