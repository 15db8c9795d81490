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
from modelops.ledger.reports import usd
from modelops.metering.attempt import Attempt

_FOCUS: tuple[tuple[str, Callable[[Attempt], object]], ...] = (
    ("ChargePeriodStart", lambda attempt: utc(attempt.started_at_us)),
    ("ChargePeriodEnd", lambda attempt: utc(_end_us(attempt))),
    ("ChargeCategory", lambda attempt: "Adjustment" if attempt.outcome == "adjusted" else "Usage"),
    ("BilledCost", lambda attempt: _cost(attempt)),
    ("BillingCurrency", lambda attempt: "USD"),
    ("ProviderName", lambda attempt: attempt.provider),
    ("ServiceCategory", lambda attempt: "AI and Machine Learning"),
    ("ServiceName", lambda attempt: attempt.model),
    ("ResourceId", lambda attempt: f"{attempt.provider}/{attempt.model}".strip("/")),
    ("ConsumedQuantity", lambda attempt: _tokens(attempt)),
    ("ConsumedUnit", lambda attempt: None if _tokens(attempt) is None else "Tokens"),
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
    for _, value in _FOCUS:
        yield value(attempt)
    shown = row(attempt)
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


def _cost(attempt: Attempt) -> str | None:
    pico = attempt.cost.total_pico
    return None if pico is None else usd(pico)


def _tokens(attempt: Attempt) -> int | None:
    usage = attempt.usage
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    return usage.input_tokens + usage.output_tokens
