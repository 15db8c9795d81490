"""What a provider says was used, read from the CSV that it exports: by day (UTC) and model.

Which export it is follows from its columns. Columns of counts that a form may have and a file has
not are 0; a file of another shape is an error that lists the forms. OpenAI's and OpenRouter's
counts of input include cache; Anthropic's columns are apart and are added up.

No provider documents its files. The columns of the usage exports of OpenAI and Anthropic and of
OpenRouter's log of generations are those of files of 2025 and 2026 that people published and that
several public programs read. OpenRouter's activity is its API's (openrouter.ai/docs,
/api/v1/activity), written out as a table.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from modelops.ledger.periods import FIRST_YEAR, LAST_YEAR
from modelops.ledger.reports import usd
from modelops.metering.attempt import PICO_PER_USD
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import ModelType


class Form(NamedTuple):
    """An export: which column holds the day and the model, and which are added up for each count.

    `needed` tells it from the others. `cost` is empty where an export has none; a file may lack all
    of its columns but the first. `input_either` are columns that say the same in older and in newer
    files: a file with all of them says it twice, so the larger sum counts. With `by_type` a file is
    of embeddings if it has no column of output, else of all other models. `variant` is a column
    for what follows the model's name behind a colon.
    """

    name: str
    needed: tuple[str, ...]
    day: str
    model: str
    input: tuple[str, ...]
    output: tuple[str, ...]
    cost: tuple[str, ...] = ()
    input_either: tuple[tuple[str, ...], ...] = ()
    by_type: bool = False
    variant: str = ""

    @property
    def title(self) -> str:
        """Its name and the columns it is known by."""
        return f"{self.name} ({', '.join(self.needed)})"


FORMS = (
    Form(
        name="plain",
        needed=("day", "model", "input_tokens", "output_tokens", "cost_usd"),
        day="day",
        model="model",
        input=("input_tokens",),
        output=("output_tokens",),
        cost=("cost_usd",),
    ),
    Form(
        name="OpenAI usage export",
        needed=("start_time_iso", "model", "num_model_requests", "input_tokens"),
        day="start_time_iso",
        model="model",
        input=("input_tokens",),
        output=("output_tokens",),
        by_type=True,
    ),
    Form(
        name="Anthropic usage export",
        needed=(
            "usage_date_utc",
            "model_version",
            "usage_input_tokens_no_cache",
            "usage_output_tokens",
        ),
        day="usage_date_utc",
        model="model_version",
        input=(
            "usage_input_tokens_no_cache",
            "usage_input_tokens_cache_read",
        ),
        output=("usage_output_tokens",),
        input_either=(
            ("usage_input_tokens_cache_write",),  # of files older than the cache of an hour
            ("usage_input_tokens_cache_write_5m", "usage_input_tokens_cache_write_1h"),
        ),
    ),
    Form(
        name="OpenRouter activity",
        needed=("date", "model", "prompt_tokens", "completion_tokens", "usage"),
        day="date",
        model="model",
        input=("prompt_tokens",),
        output=("completion_tokens",),
        cost=("usage", "byok_usage_inference"),
    ),
    Form(
        name="OpenRouter generations",
        needed=(
            "created_at",
            "model_permaslug",
            "tokens_prompt",
            "tokens_completion",
            "cost_total",
        ),
        day="created_at",
        model="model_permaslug",
        input=("tokens_prompt",),
        output=("tokens_completion",),
        cost=("cost_total", "byok_usage_inference"),
        variant="variant",
    ),
)
"""With a key of the caller's own, OpenRouter's cost is its fee and what the provider takes stands
beside it: both are in the books (metering/stated_cost.py), so both are added here.
"""

_ORDINARY_VARIANTS = ("", "standard")
MAX_LINES = 1_000_000


class Key(NamedTuple):
    """A day in UTC and a model as the file calls it."""

    day: date
    model: str


class Billed(NamedTuple):
    """What was used on a day of a model; `cost_pico` None where that is not said."""

    input_tokens: int
    output_tokens: int
    cost_pico: int | None


class Credit(msgspec.Struct, frozen=True, kw_only=True):
    """A line with a cost below 0: something given back, which is no call in the books."""

    line: int
    day: str
    model: str
    cost_usd: str


class Export(NamedTuple):
    """What a file says: the use it bills, added up, and what it gives back.

    `days` are those of all its lines: OpenAI writes one without a model for a day without any use.
    `type` is that of the models it is about, None for all.
    """

    type: ModelType | None
    days: set[date]
    billed: dict[Key, Billed]
    credits: list[Credit]


def read(text: str) -> Export:
    """Return what a CSV says; ModelopsError when it is of another shape."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        form = _form(reader.fieldnames or ())
        days: set[date] = set()
        found: dict[Key, Billed] = {}
        given_back: list[Credit] = []
        for row in reader:
            if reader.line_num > MAX_LINES:
                raise ModelopsError(f"the file has over {MAX_LINES:,} lines", "cut it by month")
            key, billed = _line(form, row, reader.line_num)
            days.add(key.day)
            if (billed.cost_pico or 0) < 0:
                given_back.append(_credit(key, billed, reader.line_num))
            elif key.model:
                found[key] = _added(found[key], billed) if key in found else billed
            elif billed.input_tokens or billed.output_tokens or billed.cost_pico:
                raise ModelopsError(f"line {reader.line_num} names no {form.model}")
    except csv.Error as error:
        raise ModelopsError(f"what follows line {reader.line_num} is not CSV: {error}") from None
    if not days:
        raise ModelopsError("the file has no line below its header", "export a longer span")
    return Export(_type(form, reader.fieldnames or ()), days, found, given_back)


def _type(form: Form, columns: Sequence[str]) -> ModelType | None:
    if not form.by_type:
        return None
    return "chat" if set(form.output) <= set(columns) else "embedding"


def _credit(key: Key, billed: Billed, line: int) -> Credit:
    cost = usd(billed.cost_pico or 0)
    return Credit(line=line, day=key.day.isoformat(), model=key.model, cost_usd=cost)


def _form(columns: Sequence[str]) -> Form:
    for name in {name for name in columns if name and columns.count(name) > 1}:
        raise ModelopsError(f"the column {name[:100]!r} is there twice", "delete the wrong one")
    for form in FORMS:
        if set(form.needed) <= set(columns):
            return form
    known = "; ".join(form.title for form in FORMS)
    shown = ", ".join(columns)[:200] or "none"
    raise ModelopsError(f"no export is known with these columns: {shown}", f"known: {known}")


def _line(form: Form, row: Mapping[str, str | None], line: int) -> tuple[Key, Billed]:
    """Return what a line says; the model is '' in OpenAI's lines for spans without any use.

    The cost is below 0 in a credit.
    """
    if None in row or None in row.values():
        raise ModelopsError(f"line {line} has more or fewer cells than the header has columns")
    cells = {name: (value or "").strip() for name, value in row.items()}
    variant = cells.get(form.variant, "") if form.variant else ""
    suffix = "" if variant in _ORDINARY_VARIANTS else f":{variant}"
    key = Key(_day(cells[form.day], line), cells[form.model] + suffix)

    def counted(*names: str) -> int:
        return sum(_count(cells[name], name, line) for name in names if name in cells)

    either = max((counted(*names) for names in form.input_either), default=0)
    input_tokens = counted(*form.input) + either
    costs = [_pico(cells[name], name, line) for name in form.cost if cells.get(name)]
    known = form.cost and cells[form.cost[0]]  # an empty cell is not a cost of 0
    return key, Billed(input_tokens, counted(*form.output), sum(costs) if known else None)


def _day(text: str, line: int) -> date:
    try:
        moment = datetime.fromisoformat(text)
        day = moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    except (ValueError, OverflowError):
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ModelopsError(f"line {line}: {text[:40]!r} is not a day", "write 2026-11-21")
    return day


def _count(text: str, name: str, line: int) -> int:
    """Return a count of tokens; OpenAI writes 59200.0."""
    if not text:
        return 0
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
        raise ModelopsError(f"line {line}: {name} is {text[:40]!r}, not a count of tokens")
    return int(digits)


def _pico(text: str, name: str, line: int) -> int:
    try:
        amount = Decimal(re.sub(r"^(-?)\$", r"\1", text)) * PICO_PER_USD
    except ArithmeticError:  # no number, or one beyond all exponents
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) >= 10**24:
        raise ModelopsError(f"line {line}: {name} is {text[:40]!r}, not an amount in USD")
    return int(amount.to_integral_value())


def _added(first: Billed, second: Billed) -> Billed:
    cost = None
    if first.cost_pico is not None and second.cost_pico is not None:
        cost = first.cost_pico + second.cost_pico
    return Billed(
        first.input_tokens + second.input_tokens, first.output_tokens + second.output_tokens, cost
    )
