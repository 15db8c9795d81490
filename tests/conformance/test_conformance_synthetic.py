"""The rows of what no recording shows: cuts, service tiers, absurd counts, more errors."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import conformance_gateway
import pytest
from conformance_arithmetic import FIELDS, money
from conformance_exchange import Exchange, as_events, whole_row

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "synthetic.json").read_text(encoding="utf-8")
)


def exchange(vector: dict[str, Any]) -> Exchange:
    """Return the exchange of a vector."""
    given = {"status": 200, **vector}
    events = given.pop("events", None)
    if events is None:
        content = given["body"]
        body = content if isinstance(content, str) else json.dumps(content)
        given["body"] = body.encode()
    else:
        given["body"] = as_events(json.dumps(event).encode() for event in events)
    del given["row"]
    return Exchange(stream=events is not None, **given)


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """Return the rows that the gateway's books have, by the name of the vector."""
    rows = asyncio.run(conformance_gateway.rows([exchange(vector) for vector in VECTORS]))
    return {vector["name"]: row for vector, row in zip(VECTORS, rows, strict=True)}


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_vector_makes_its_row(vector: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    row = found[vector["name"]]
    if row["outcome"] == "failed" and "message" not in vector["row"]:
        assert 0 < len(row.pop("message")) <= 300, "the gateway's own words"
    assert row == whole_row(exchange(vector), vector["row"])


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_a_row_costs_its_counts_times_the_price(vector: dict[str, Any]) -> None:
    row = vector["row"]
    written = {name: row[name] for name in FIELDS if name in row}
    assert written == money(row, priced=vector.get("priced", True))
