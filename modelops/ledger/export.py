"""Attempts as lines of a CSV export.

The columns of FOCUS 1.1 (the FinOps Foundation's format for billing data) come first, where it has
one for what is known here; then this project's own. FOCUS wants a cost in every row: an unknown one
is empty here, as it is nowhere 0.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence

from modelops.ledger.attempts import AttemptRow, row, utc
from modelops.ledger.collapse import unit_us
from modelops.metering.attempt import Attempt

_FOCUS: tuple[tuple[str, Callable[[Attempt, AttemptRow], object]], ...] = (
    ("ChargePeriodStart", lambda _, shown: shown.started_at),
    ("ChargePeriodEnd", lambda attempt, _: utc(_end_us(attempt))),
    ("ChargeCategory", lambda _, shown: "Adjustment" if shown.outcome == "adjusted" else "Usage"),
    ("BilledCost", lambda _, shown: shown.cost_usd),
    ("BillingCurrency", lambda *_: "USD"),
    ("ProviderName", lambda _, shown: shown.provider),
    ("ServiceCategory", lambda *_: "AI and Machine Learning"),
    ("ServiceName", lambda _, shown: shown.model),
    ("ResourceId", lambda _, shown: f"{shown.provider}/{shown.model}".strip("/")),
    ("ConsumedQuantity", lambda _, shown: _tokens(shown)),
    ("ConsumedUnit", lambda _, shown: None if _tokens(shown) is None else "Tokens"),
)

_OWN = tuple(
    name
    for name in AttemptRow.__struct_fields__
    if name not in ("started_at", "cost_usd", "provider", "model")  # FOCUS has a name for them
)

_FORMULA = re.compile(r"[=+@\t\r]|-(?![0-9.]+$)")
"""What a spreadsheet takes for the start of a formula; a negative number is none."""


def csv_header() -> str:
    """Return the first line of an export."""
    return _csv([[*(name for name, _ in _FOCUS), *_OWN]])


def csv_lines(attempts: Sequence[Attempt]) -> str:
    """Return attempts as lines of an export."""
    return _csv([[_cell(value) for value in _values(attempt)] for attempt in attempts])


def _values(attempt: Attempt) -> Iterator[object]:
    shown = row(attempt)
    for _, value in _FOCUS:
        yield value(attempt, shown)
    for name in _OWN:
        yield getattr(shown, name)


def _csv(lines: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(lines)
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and _FORMULA.match(value):
        return f"'{value}"
    return "" if value is None else value


def _end_us(attempt: Attempt) -> int:
    if attempt.weight == 1:
        return attempt.started_at_us + attempt.latency_us
    unit = unit_us(attempt)
    return attempt.started_at_us // unit * unit + unit


def _tokens(shown: AttemptRow) -> int | None:
    if shown.input_tokens is None or shown.output_tokens is None:
        return None
    return shown.input_tokens + shown.output_tokens
