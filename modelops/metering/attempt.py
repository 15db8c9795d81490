"""The frozen record of one call to one target for one request: a row of the books.

The gateway makes it, the ledger carries it, the store keeps it, reports add it up. A request that
reached no provider has one record with outcome `refused` and an empty target. No prompt and no
answer is ever in it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Outcome = Literal["success", "failed", "cancelled", "interrupted", "refused", "adjusted"]
UsageSource = Literal["reported", "partial", "none", "invalid"]
CostSource = Literal["provider", "declared", "catalog", ""]
Status = Literal["success", "fallback", "failed", "cancelled", "interrupted", "refused", "adjusted"]

MESSAGE_MAX = 300
"""Characters of an error message that are kept, after redaction."""

PICO_PER_USD = 10**12

COST_MAX_PICO = 10**17
"""100,000 USD: no call costs more. What would is unpriced: columns have 64 bits, and a row that the
store cannot take is lost."""


class Usage(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Tokens of one attempt, the same whatever the provider's habit.

    Input includes cache, output includes reasoning. None: not reported. `source` `partial` is a
    report before the last one, or without something that the cost depends on; `none` has None
    everywhere; an error before any content used 0 of each and is `reported`.
    """

    source: UsageSource
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    billed_tool_calls: int | None = None
    provider_cost_pico: int | None = None
    provider_input_pico: int | None = None

    @property
    def priced(self) -> bool:
        """Whether a cost can follow: the report is whole, or a part that states the cost itself."""
        stated = self.source == "partial" and self.provider_cost_pico is not None
        return self.source == "reported" or stated


NO_USAGE = Usage(source="none")
NOTHING_USED = Usage(
    source="reported",
    input_tokens=0,
    output_tokens=0,
    cache_read_tokens=0,
    cache_write_tokens=0,
    cache_write_1h_tokens=0,
    reasoning_tokens=0,
)


class Cost(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Money of one attempt in integer pico-USD (1e-12). None: unpriced or not metered, never 0.

    `total_pico` is input and output together; the two parts are None when the provider names only
    the sum. `estimate_pico` is set, and the rest is None, when a call ended without a usage
    report, or was served at a tier that has no price: it is shown beside the cost, never added.
    """

    source: CostSource = ""
    total_pico: int | None = None
    input_pico: int | None = None
    output_pico: int | None = None
    estimate_pico: int | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One row of the books.

    Ids are 32 hex digits (UUIDv7: time first, then chance). `position` is the place of the target
    in the order this request tried, from 0; -1 for a refused request. `number` counts the calls of
    the request from 0, retries included. `final` marks the last record of its request, whose
    outcome and position give the request's status. `started_at_us` is Unix time, all durations are
    microseconds. `protocol` is what the target was spoken to in, `endpoint` the path the client
    used. `status` is the provider's HTTP status, 0 when there was none.

    An `adjusted` row is no call: it corrects the cost of the attempt that its `client_request_id`
    names, by the difference that it costs. Its `error_class` says what was wrong: `price`, or
    `unpriced`.

    A row of more than one `weight` stands for so many attempts of one minute that were alike, when
    the journal had no room for all of them (ledger/collapse.py): usage, cost and durations are
    their sums, `attempt_id` is that of one of them, and what they did not share is lost.
    """

    attempt_id: str
    request_id: str
    client_request_id: str = ""
    started_at_us: int
    revision: int
    agent: str = ""
    user: str = ""
    chain: str = ""
    position: int
    number: int
    provider: str = ""
    model: str = ""
    endpoint: str
    protocol: str = ""
    stream: bool = False
    service_tier: str = ""
    usage: Usage = NO_USAGE
    cost: Cost = Cost()
    latency_us: int = 0
    first_content_us: int | None = None
    outcome: Outcome
    status: int = 0
    error_class: str = ""
    message: str = ""
    finish_reason: str = ""
    final: bool
    simulated: bool = False
    weight: int = 1


def request_status(attempt: Attempt) -> Status:
    """Return the status of a request from its final attempt."""
    if attempt.outcome == "success" and attempt.position > 0:
        return "fallback"
    return attempt.outcome
