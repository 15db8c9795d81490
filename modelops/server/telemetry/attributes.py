"""What a span or a metric says of an attempt: pure, from the record in the books.

What is unknown is left out, never 0 and never ''.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from modelops.metering.attempt import PICO_PER_USD, Attempt, Usage, request_status
from modelops.server.telemetry import names

Value = str | bool | int | float | Sequence[str]
Attributes = Mapping[str, Value]

US_PER_S = 1_000_000


def operation(attempt: Attempt) -> Attributes:
    """Return what metrics tell apart: few values, all of them declared."""
    return _known(
        {
            names.OPERATION: names.OPERATIONS[attempt.endpoint],
            names.PROVIDER_NAME: names.PROVIDERS.get(attempt.provider, attempt.provider),
            names.REQUEST_MODEL: attempt.model,
            names.ERROR_TYPE: attempt.error_class,
        }
    )


def of_attempt(attempt: Attempt) -> Attributes:
    """Return the attributes of the span of one call to a provider."""
    first_us = attempt.first_content_us
    cost = attempt.cost
    return {
        **operation(attempt),
        **_tokens(attempt.usage),
        **_known(
            {
                names.TIME_TO_FIRST_CHUNK: None if first_us is None else first_us / US_PER_S,
                names.FINISH_REASONS: [attempt.finish_reason] if attempt.finish_reason else None,
                names.STATUS_CODE: attempt.status or None,
                names.COST: None if cost.total_pico is None else cost.total_pico / PICO_PER_USD,
                names.COST_SOURCE: cost.source,
            }
        ),
        names.REQUEST_STREAM: attempt.stream,
        names.PROVIDER: attempt.provider,
        names.POSITION: attempt.position,
        names.NUMBER: attempt.number,
        names.OUTCOME: attempt.outcome,
        names.SIMULATED: attempt.simulated,
    }


def of_request(attempts: Sequence[Attempt]) -> Attributes:
    """Return the attributes of the span of a request, of all its attempts, the last one last."""
    last = attempts[-1]
    return {
        **_known(
            {
                names.AGENT: last.agent,
                names.CHAIN: last.chain,
                names.ERROR_TYPE: last.error_class,
            }
        ),
        names.METHOD: "POST",
        names.ROUTE: last.endpoint,
        names.REQUEST_ID: last.request_id,
        names.REVISION: last.revision,
        names.STATUS: request_status(last),
        names.ATTEMPTS: sum(1 for attempt in attempts if attempt.provider),
    }


def _tokens(usage: Usage) -> Attributes:
    written = (usage.cache_write_tokens, usage.cache_write_1h_tokens)
    return _known(
        {
            names.INPUT_TOKENS: usage.input_tokens,
            names.OUTPUT_TOKENS: usage.output_tokens,
            names.CACHE_READ_TOKENS: usage.cache_read_tokens,
            names.CACHE_WRITE_TOKENS: (
                None if written == (None, None) else sum(count or 0 for count in written)
            ),
            names.REASONING_TOKENS: usage.reasoning_tokens,
        }
    )


def _known(values: Mapping[str, Value | None]) -> Attributes:
    return {name: value for name, value in values.items() if value is not None and value != ""}
