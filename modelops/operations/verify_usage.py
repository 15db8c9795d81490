"""Reconciling the books with what a provider says was used: every difference, nothing tolerated.

Days are UTC days, as providers count them. A file's model is found by the name that the provider
knows it by, or by the declared one; where a file names a dated snapshot of a model that is declared
without a date, that model is meant. Only days that the file names are compared.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import msgspec

from modelops.ledger.invoices import Billed, Credit, Export, Key
from modelops.ledger.periods import from_us, to_us, zone
from modelops.ledger.reports import usd
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Model
from modelops.resources.times import DAY_US
from modelops.store.books import MaintenanceStore, Selection
from modelops.store.sums import Sums

NOTHING = Billed(0, 0, 0)


_DATE = re.compile(r"-\d{4}-?\d\d-?\d\d$")
"""What tells a snapshot from its model: gpt-4o-2024-08-06, claude-sonnet-4-5-20250929."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """A day and model on which file and books disagree; costs None where one of them has none.

    `unmetered` attempts are in the books without tokens, a likely reason.
    """

    day: str
    model: str
    billed_input_tokens: int
    booked_input_tokens: int
    billed_output_tokens: int
    booked_output_tokens: int
    billed_cost_usd: str | None
    booked_cost_usd: str | None
    unmetered: int


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """How many pairs of a day and a model were compared, and where they differ.

    Of `without_cost` of them the file says no cost: their tokens were compared. `absent_days` lie
    between days of the file, which does not name them, and the books have usage there. Neither they
    nor the `credits` were compared.
    """

    provider: str
    compared: int
    differences: tuple[Difference, ...]
    without_cost: int
    absent_days: tuple[str, ...]
    credits: tuple[Credit, ...]


async def verify(store: MaintenanceStore, provider: str, export: Export) -> Verification:
    """Compare what a provider billed with the books."""
    names = await _names(store, provider)
    known: dict[Key, Billed] = {}
    for key, each in export.billed.items():
        model = names.get(key.model) or names.get(_DATE.sub("", key.model)) or key.model
        name = Key(key.day, model)
        known[name] = _added(known[name], each) if name in known else each
    of_span = await _booked(store, provider, export.days)
    booked = {key: sums for key, sums in of_span.items() if key.day in export.days}
    keys = sorted(known.keys() | booked.keys())
    has_cost = any(each.cost_pico is not None for each in known.values())
    compared = (
        _difference(key, known.get(key, NOTHING), booked.get(key, Sums()), has_cost) for key in keys
    )
    return Verification(
        provider=provider,
        compared=len(keys),
        differences=tuple(found for found in compared if found is not None),
        without_cost=sum(each.cost_pico is None for each in known.values()),
        absent_days=tuple(sorted({key.day.isoformat() for key in of_span.keys() - booked.keys()})),
        credits=tuple(export.credits),
    )


async def _names(store: MaintenanceStore, provider: str) -> dict[str, str]:
    """Return the declared name of every model of a provider by what the provider calls it."""
    state = (await store.snapshot()).state
    models = [m for m in state.values() if isinstance(m, Model) and m.provider == provider]
    if not models:
        offered = sorted({m.provider for m in state.values() if isinstance(m, Model)})
        raise ModelopsError(
            f"the store has no model of a provider {provider!r}",
            f"name one of {', '.join(offered)}" if offered else "apply a configuration first",
        )
    return {m.upstream_model: m.model for m in models} | {m.model: m.model for m in models}


async def _booked(store: MaintenanceStore, provider: str, days: set[date]) -> dict[Key, Sums]:
    """Return what the books have from the first of these days to the last."""
    end = max(days) + timedelta(days=1)
    groups = await store.usage(
        Selection(
            since_us=_midnight_us(min(days)),
            until_us=_midnight_us(end),
            by=("model",),
            starts=tuple(range(_midnight_us(min(days)), _midnight_us(end), DAY_US)),
            filters={"provider": (provider,)},
        )
    )
    found: dict[Key, Sums] = {}
    for group in groups:
        day = from_us(group.start_us or 0, zone("UTC")).date()
        found[Key(day, group.key[0].removeprefix(f"{provider}/"))] = group.sums
    return {key: sums for key, sums in found.items() if _counts(sums)}


def _counts(sums: Sums) -> bool:
    """Say whether there is anything that a provider could bill."""
    return bool(sums.input_tokens or sums.output_tokens or sums.cost_pico or sums.unmetered)


def _difference(key: Key, billed: Billed, booked: Sums, has_cost: bool) -> Difference | None:
    booked_cost = None if booked.unpriced and not booked.cost_pico else booked.cost_pico
    same_cost = not has_cost or billed.cost_pico in (None, booked_cost)
    tokens = (booked.input_tokens, booked.output_tokens)
    if same_cost and (billed.input_tokens, billed.output_tokens) == tokens:
        return None
    return Difference(
        day=key.day.isoformat(),
        model=key.model,
        billed_input_tokens=billed.input_tokens,
        booked_input_tokens=booked.input_tokens,
        billed_output_tokens=billed.output_tokens,
        booked_output_tokens=booked.output_tokens,
        billed_cost_usd=usd(billed.cost_pico)
        if has_cost and billed.cost_pico is not None
        else None,
        booked_cost_usd=None if booked_cost is None else usd(booked_cost),
        unmetered=booked.unmetered,
    )


def _added(first: Billed, second: Billed) -> Billed:
    costs = (first.cost_pico, second.cost_pico)
    known = [cost for cost in costs if cost is not None]
    return Billed(
        first.input_tokens + second.input_tokens,
        first.output_tokens + second.output_tokens,
        sum(known) if len(known) == len(costs) else None,
    )


def _midnight_us(day: date) -> int:
    return to_us(datetime(day.year, day.month, day.day, tzinfo=UTC))
