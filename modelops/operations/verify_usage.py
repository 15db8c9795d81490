"""Reconciling the books with what a provider says was used: every difference, nothing tolerated.

Days are UTC days, as providers count them. A model is what the provider calls it: of declared ones
that are the same there the books are added up, and each attempt is of what its own revision says.
Only days that the file names are compared, and only the models that it is about.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from modelops.ledger.invoiced_models import meant
from modelops.ledger.invoices import Billed, Credit, Export, Key
from modelops.ledger.periods import from_us, to_us, zone
from modelops.ledger.reports import usd
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Model
from modelops.resources.state import State
from modelops.resources.times import DAY_US
from modelops.store.books import MaintenanceStore, Selection, UsageGroup
from modelops.store.sums import Packed, Sums

NOTHING = Billed(0, 0, 0)
Models = Mapping[str, Model]
"""The models of a provider by their declared names."""


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
    groups = await _groups(store, provider, export.days)
    revisions = await _revisions(store, provider, groups)
    names = _names(revisions.values())
    read = {name: meant(name, names) for name in {key.model for key in export.billed}}
    known: dict[Key, Billed] = {}
    for key, each in export.billed.items():
        name = Key(key.day, read[key.model])
        known[name] = _added(known[name], each) if name in known else each
    of_span = _booked(groups, revisions, export)
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


async def _revisions(
    store: MaintenanceStore, provider: str, groups: Sequence[UsageGroup]
) -> dict[int, Models]:
    """Return a provider's models at every revision of some groups and at the last one."""
    head = await store.snapshot()
    last = head.head.revision
    served = sorted({int(group.key[1]) for group in groups if int(group.key[1]) < last})
    states = {number: (await store.snapshot(number)).state for number in served}
    states[last] = head.state
    found = {number: _models(state, provider) for number, state in states.items()}
    if not any(found.values()):
        offered = sorted({m.provider for m in head.state.values() if isinstance(m, Model)})
        raise ModelopsError(
            f"the store has no model of a provider {provider!r}",
            f"name one of {', '.join(offered)}" if offered else "apply a configuration first",
        )
    return found


def _models(state: State, provider: str) -> Models:
    models = (each for each in state.values() if isinstance(each, Model))
    return {each.model: each for each in models if each.provider == provider}


def _names(revisions: Iterable[Models]) -> dict[str, str]:
    """Return by every name of a model, declared or the provider's own, what the provider calls it.

    A declared name is that of the last revision; the provider's own comes before it.
    """
    models = [each for models in revisions for each in models.values()]
    own = {each.upstream_model: each.upstream_model for each in models}
    return {each.model: each.upstream_model for each in models} | own


async def _groups(store: MaintenanceStore, provider: str, days: set[date]) -> Sequence[UsageGroup]:
    """Return what the books have from the first of these days to the last, by day and model."""
    end = max(days) + timedelta(days=1)
    return await store.usage(
        Selection(
            since_us=_midnight_us(min(days)),
            until_us=_midnight_us(end),
            by=("model", "revision"),
            starts=tuple(range(_midnight_us(min(days)), _midnight_us(end), DAY_US)),
            filters={"provider": (provider,)},
        )
    )


def _booked(
    groups: Sequence[UsageGroup], revisions: Mapping[int, Models], export: Export
) -> dict[Key, Sums]:
    """Return what the books have of the models that a file is about."""
    found: defaultdict[Key, Packed] = defaultdict(Packed)
    last = revisions[max(revisions)]  # for rows from before an older backup was put back, too
    for group in groups:
        day = from_us(group.start_us or 0, zone("UTC")).date()
        name = group.key[0].partition("/")[2]
        model = revisions.get(int(group.key[1]), last).get(name)
        if model is None or export.type in (None, model.type):
            found[Key(day, model.upstream_model if model else name)].add(group.packed)
    unpacked = {key: each.unpack() for key, each in found.items()}
    return {key: sums for key, sums in unpacked.items() if _counts(sums)}


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
