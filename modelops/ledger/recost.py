"""Correcting what attempts cost when a price was wrong: by rows that are added, never rewritten.

Pure. The row of an attempt stays as it was booked. An adjustment has its time and its dimensions
and costs the difference, so every report shows the corrected sum, and `by status` what of it was
adjusted. An estimate is taken back where there is a cost now, else it stays: the sizes that it was
made from are not kept. What the provider itself said a call cost is not corrected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from modelops.ledger.collapse import unit_us
from modelops.metering.attempt import NO_USAGE, Attempt, Cost
from modelops.metering.cost import cost, rates_at
from modelops.resources.resolved import Model
from modelops.resources.times import MINUTE_US
from modelops.store.books import Adjustment

NOTHING = Adjustment(0, 0, 0)


def undecided(attempt: Attempt, models: Mapping[str, Model]) -> bool:
    """Say whether today's price goes by what a collapsed row does not tell.

    That is the size of each request, whether it reasoned, or its hour where not even the minute was
    kept.
    """
    model = models.get(f"{attempt.provider}/{attempt.model}")
    if model is None or model.price is None or attempt.weight == 1 or not _by_price(attempt):
        return False
    unit = unit_us(attempt)
    begin_us = attempt.started_at_us // unit * unit
    end_us = begin_us + (unit if model.price.hours else MINUTE_US)
    possible = [
        rates_at(model.price, input_tokens, attempt.service_tier, us)
        for input_tokens in (0, attempt.usage.input_tokens or 0)
        for us in range(begin_us, end_us, MINUTE_US)
    ]
    reasoned = attempt.usage.reasoning_tokens and possible[0].reasoning_output is not None
    return bool(reasoned) or any(rates is not possible[0] for rates in possible)


def without_cost(attempt: Attempt, models: Mapping[str, Model]) -> bool:
    """Say whether nobody can tell what an attempt, which is not `undecided`, would cost today.

    Its model has no price now or is not applied, or its usage is not known.
    """
    right = _today(attempt, models)
    return right is not None and right.total_pico is None


def _by_price(attempt: Attempt) -> bool:
    """Say whether a price decides what an attempt costs: not where its provider said it."""
    return attempt.outcome not in ("adjusted", "refused") and attempt.cost.source != "provider"


def _today(attempt: Attempt, models: Mapping[str, Model]) -> Cost | None:
    """Return what an attempt would cost today; None where that is no matter of price."""
    if not _by_price(attempt):
        return None
    model = models.get(f"{attempt.provider}/{attempt.model}")
    return cost(
        attempt.usage,
        model.price if model else None,
        model.price_source if model else "",
        service_tier=attempt.service_tier,
        started_at_us=attempt.started_at_us,
    )


def adjustment(
    attempt: Attempt, models: Mapping[str, Model], earlier: Adjustment | None
) -> Attempt | None:
    """Return the row that brings an attempt to today's price; None where nothing is to correct.

    The attempt is not `undecided`, `models` are by provider/model, `earlier` is what corrects it
    already. The id is deterministic, so repeated or concurrent runs add each correction once. It
    depends on how many corrections came before, so that a price that changes back is followed too.
    """
    right = _today(attempt, models)
    if right is None or right.total_pico is None or right.input_pico is None:
        return None
    done = earlier or NOTHING
    was_total = (attempt.cost.total_pico or 0) + done.total_pico
    was_input = (attempt.cost.input_pico or 0) + done.input_pico
    unpriced = attempt.cost.total_pico is None and earlier is None
    if (right.total_pico, right.input_pico) == (was_total, was_input) and not unpriced:
        return None
    difference = right.total_pico - was_total
    difference_of_input = right.input_pico - was_input
    change = f"{was_total}:{was_input}:{right.total_pico}:{right.input_pico}"
    name = f"{attempt.attempt_id}:{done.rows}:{change}"
    return msgspec.structs.replace(
        attempt,
        attempt_id=hashlib.sha256(name.encode()).hexdigest()[:32],
        client_request_id=attempt.attempt_id,
        usage=NO_USAGE,
        cost=Cost(
            source=right.source,
            total_pico=difference,
            input_pico=difference_of_input,
            output_pico=difference - difference_of_input,
            estimate_pico=-attempt.cost.estimate_pico
            if unpriced and attempt.cost.estimate_pico
            else None,
        ),
        latency_us=0,
        first_content_us=None,
        outcome="adjusted",
        status=0,
        error_class="unpriced" if unpriced else "price",
        message="",
        finish_reason="",
        final=False,
    )
