"""Correcting the cost of past attempts to the prices that the store holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from modelops.ledger.recost import adjustment, undecided, without_cost
from modelops.metering.attempt import Attempt
from modelops.operations.usage import EXPORTED_AT_ONCE, UsageQuery, selection
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Model
from modelops.store.books import AttemptCursor, MaintenanceStore


class Correction(msgspec.Struct, frozen=True, kw_only=True):
    """How many attempts are corrected, and by how much in all, in pico-USD.

    `undecided` are those that stand in collapsed rows and whose price cannot be told from them,
    `without_cost` those whose model has no price now or whose usage is not known.
    """

    attempts: int = 0
    difference_pico: int = 0
    undecided: int = 0
    without_cost: int = 0


async def recost(
    store: MaintenanceStore, query: UsageQuery, *, now_us: int, write: bool
) -> Correction:
    """Add up what is to correct, and with `write` add the rows that correct it.

    With `write`, what another recost added meanwhile is not counted.

    ModelopsError where a filter names a model that the store does not hold, or rows were pruned.
    """
    state = (await store.snapshot()).state
    models = {model.name: model for model in state.values() if isinstance(model, Model)}
    for name in query.filters.get("model", ()):
        if name not in models:
            raise ModelopsError(
                f"{name} is not applied, so it has no price to correct to",
                f"name one of {', '.join(sorted(models)) or 'those that are applied'}",
            )
    chosen = await selection(store, query, now_us)
    done, after = Correction(), None
    while found := await store.list_attempts(chosen, EXPORTED_AT_ONCE, after):
        decided = [row for row in found if not undecided(row, models)]
        rows = await _adjustments(store, decided, models)
        if write:
            rows = await store.add_adjustments(rows)
        done = Correction(
            attempts=done.attempts + _weight(rows),
            difference_pico=done.difference_pico + sum(row.cost.total_pico or 0 for row in rows),
            undecided=done.undecided + _weight(found) - _weight(decided),
            without_cost=done.without_cost
            + _weight(row for row in decided if without_cost(row, models)),
        )
        after = AttemptCursor(found[-1].started_at_us, found[-1].attempt_id)
    return done


async def _adjustments(
    store: MaintenanceStore, found: Sequence[Attempt], models: Mapping[str, Model]
) -> Sequence[Attempt]:
    earlier = await store.adjusted([row.attempt_id for row in found])
    rows = (adjustment(row, models, earlier.get(row.attempt_id)) for row in found)
    return [row for row in rows if row is not None]


def _weight(rows: Iterable[Attempt]) -> int:
    """Return how many attempts rows stand for."""
    return sum(row.weight for row in rows)
