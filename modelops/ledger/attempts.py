"""Single attempts as people read them, in pages of a list."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelops.ledger.periods import from_us, zone
from modelops.ledger.reports import usd
from modelops.metering.attempt import Attempt, Outcome, Status, UsageSource, request_status
from modelops.resources import cursors
from modelops.resources.errors import ModelopsError
from modelops.store.books import AttemptCursor


class AttemptRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. Times are ISO 8601 in UTC, money exact decimal strings, None is not known.

    `status` is the request's, for its final attempt; of another attempt it is the outcome. A row
    with a `weight` above 1 stands for so many attempts: tokens and money are sums, durations means.
    """

    attempt_id: str
    request_id: str
    client_request_id: str
    started_at: str
    final: bool
    outcome: Outcome
    status: Status
    agent: str
    user: str
    chain: str
    provider: str
    model: str
    position: int
    number: int
    revision: int
    endpoint: str
    protocol: str
    stream: bool
    service_tier: str
    usage_source: UsageSource
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cache_write_1h_tokens: int | None
    reasoning_tokens: int | None
    billed_tool_calls: int | None
    cost_usd: str | None
    input_cost_usd: str | None
    output_cost_usd: str | None
    estimate_usd: str | None
    cost_source: str
    latency_ms: float
    first_content_ms: float | None
    http_status: int
    error_class: str
    message: str
    finish_reason: str
    simulated: bool
    weight: int


class AttemptPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of attempts, newest first; `next_cursor` is None on the last."""

    items: tuple[AttemptRow, ...]
    next_cursor: str | None


def row(attempt: Attempt) -> AttemptRow:
    """Return an attempt as it is shown."""
    usage, cost = attempt.usage, attempt.cost
    return AttemptRow(
        attempt_id=attempt.attempt_id,
        request_id=attempt.request_id,
        client_request_id=attempt.client_request_id,
        started_at=utc(attempt.started_at_us),
        final=attempt.final,
        outcome=attempt.outcome,
        status=request_status(attempt) if attempt.final else attempt.outcome,
        agent=attempt.agent,
        user=attempt.user,
        chain=attempt.chain,
        provider=attempt.provider,
        model=attempt.model,
        position=attempt.position,
        number=attempt.number,
        revision=attempt.revision,
        endpoint=attempt.endpoint,
        protocol=attempt.protocol,
        stream=attempt.stream,
        service_tier=attempt.service_tier,
        usage_source=usage.source,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        reasoning_tokens=usage.reasoning_tokens,
        billed_tool_calls=usage.billed_tool_calls,
        cost_usd=_usd(cost.total_pico),
        input_cost_usd=_usd(cost.input_pico),
        output_cost_usd=_usd(cost.output_pico),
        estimate_usd=_usd(cost.estimate_pico),
        cost_source=cost.source,
        latency_ms=attempt.latency_us / attempt.weight / 1000,
        first_content_ms=_milliseconds(attempt.first_content_us, attempt.weight),
        http_status=attempt.status,
        error_class=attempt.error_class,
        message=attempt.message,
        finish_reason=attempt.finish_reason,
        simulated=attempt.simulated,
        weight=attempt.weight,
    )


def page(attempts: Sequence[Attempt], limit: int) -> AttemptPage:
    """Return a page of `limit` rows; one more attempt than that says that there is a next."""
    shown = attempts[:limit]
    more = len(attempts) > limit
    return AttemptPage(
        items=tuple(row(attempt) for attempt in shown),
        next_cursor=encode_cursor(shown[-1]) if more else None,
    )


def encode_cursor(attempt: Attempt) -> str:
    """Return the cursor that stands behind an attempt."""
    return cursors.encode(f"{attempt.started_at_us}:{attempt.attempt_id}")


def decode_cursor(text: str) -> AttemptCursor:
    """Return what a cursor means; ModelopsError when it is none of ours."""
    try:
        started_at, _, attempt_id = cursors.decode(text).partition(":")
        if len(bytes.fromhex(attempt_id)) == 16 and 0 <= int(started_at) < 2**63:
            return AttemptCursor(int(started_at), attempt_id)
    except ValueError:
        pass
    raise ModelopsError(f"{text[:80]!r} is not a cursor", "take next_cursor from a page")


def utc(unix_us: int) -> str:
    """Return Unix time in microseconds as ISO 8601."""
    return from_us(unix_us, zone("UTC")).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _usd(pico: int | None) -> str | None:
    return None if pico is None else usd(pico)


def _milliseconds(sum_us: int | None, count: int) -> float | None:
    return None if sum_us is None else sum_us / count / 1000
