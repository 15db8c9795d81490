"""One meaning for every provider's usage counts: input includes cache, output includes reasoning.

One function per protocol; what differs between providers of the OpenAI protocol is told apart by
the fields they send, not by their names. A count that cannot be true is None and marks the usage
`invalid`: it must neither be added up nor priced.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from modelops.metering.attempt import Usage, UsageSource

Counts = Mapping[str, Any]

MAX_TOKENS = 1_000_000_000
"""No request has this many tokens; context windows of 2026 end at ten million."""

MAX_COST_USD = 100_000
"""No call costs this much; it also keeps pico-USD far inside 64 bits."""

PICO_PER_USD = 10**12
PICO_PER_TICK = 100
"""xAI counts in ticks of 1e-10 USD."""

BILLED_OUTPUT_ITEMS = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"}
)
"""Output items of the Responses API that OpenAI bills by the call."""


class _Reader:
    """Takes numbers out of counts and remembers whether one of them was absurd."""

    __slots__ = ("invalid",)

    def __init__(self) -> None:
        self.invalid = False

    def count(self, counts: Counts, *names: str) -> int | None:
        """Return the first of these counts that is there, None when it is absent or absurd."""
        for name in names:
            value = counts.get(name)
            if value is None:
                continue
            if type(value) is int and 0 <= value < MAX_TOKENS:
                return value
            return self._odd(value)
        return None

    def _odd(self, value: object) -> int | None:
        """Return a count that is written with a point, None of what is none."""
        if isinstance(value, float) and value.is_integer() and 0 <= value < MAX_TOKENS:
            return int(value)
        self.invalid = True
        return None

    def pico(self, counts: Counts, name: str, pico_per_unit: int = PICO_PER_USD) -> int | None:
        """Return an amount of money in pico-USD, None when it is absent or absurd."""
        value = counts.get(name)
        if value is None or isinstance(value, (dict, bool)):
            return None
        if isinstance(value, (int, float)):
            amount = Decimal(repr(value)) * pico_per_unit
            if amount.is_finite() and 0 <= amount <= MAX_COST_USD * PICO_PER_USD:
                return int(amount.to_integral_value())
        self.invalid = True
        return None

    def part(self, value: int | None, whole: int | None) -> int | None:
        """Return a count that lies inside another; None, and absurd, when it is the larger."""
        if value is not None and whole is not None and value > whole:
            self.invalid = True
            return None
        return value

    def source(self, complete: bool) -> UsageSource:
        """Return how far these counts can be trusted."""
        if self.invalid:
            return "invalid"
        return "reported" if complete else "partial"


_NOTHING: Counts = {}


def _details(counts: Counts, *names: str) -> Counts:
    """Return the first of these sub-objects that is one."""
    for name in names:
        value = counts.get(name)
        if isinstance(value, dict):
            return value
    return _NOTHING


def _total(*values: int | None) -> int | None:
    """Return the sum of what is known, None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def openai(raw: Counts, complete: bool) -> Usage:
    """Chat Completions, Responses and embeddings, of every provider that speaks them.

    Cache counts lie inside the input. Where `total_tokens` exceeds input and output, the provider
    left reasoning out of the output (xAI, Gemini's OpenAI form): it is billed, so it counts.
    """
    read = _Reader()
    input_details = _details(raw, "prompt_tokens_details", "input_tokens_details")
    output_details = _details(raw, "completion_tokens_details", "output_tokens_details")
    input_tokens = read.count(raw, "prompt_tokens", "input_tokens")
    output_tokens = read.count(raw, "completion_tokens", "output_tokens")
    total = read.count(raw, "total_tokens")
    if total is not None and input_tokens is not None:
        output_tokens = max(output_tokens or 0, total - input_tokens)
    cache_read = read.count(input_details, "cached_tokens")
    if cache_read is None:
        cache_read = read.count(raw, "prompt_cache_hit_tokens", "cached_tokens")
    cache_write = read.count(input_details, "cache_write_tokens", "cache_creation_input_tokens")
    cached = _total(cache_read, cache_write)
    if read.part(cached, input_tokens) != cached:
        cache_read = cache_write = None
    cost, cost_of_input = _openai_cost(raw, read)
    return Usage(
        source=read.source(complete),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        reasoning_tokens=read.count(output_details, "reasoning_tokens"),
        billed_tool_calls=read.count(raw, "billed_tool_calls", "num_server_side_tools_used"),
        provider_cost_pico=cost,
        provider_input_pico=cost_of_input,
    )


def _openai_cost(raw: Counts, read: _Reader) -> tuple[int | None, int | None]:
    """Return what xAI or OpenRouter says the call cost, and the input's part of it.

    With a key of the caller's own (`is_byok`) OpenRouter's `cost` is its fee alone; the provider's
    bill stands beside it. The split is used only where its two parts make up the whole.
    """
    cost = read.pico(raw, "cost_in_usd_ticks", PICO_PER_TICK)
    if cost is None:
        cost = read.pico(raw, "cost")
    if cost is None:
        return None, None
    details = _details(raw, "cost_details")
    if raw.get("is_byok") is True:
        return _total(cost, read.pico(details, "upstream_inference_cost")), None
    for before, after in (("prompt", "completions"), ("input", "output")):
        cost_of_input = read.pico(details, f"upstream_inference_{before}_cost")
        cost_of_output = read.pico(details, f"upstream_inference_{after}_cost")
        if _total(cost_of_input, cost_of_output) == cost:
            return cost, cost_of_input
    return cost, None


def anthropic(raw: Counts, complete: bool) -> Usage:
    """Messages: input and the cache counts exclude each other.

    `iterations` lists every model call behind the answer, compaction included, which the counts at
    the top leave out; where it is present, its sum is what is billed.
    """
    read = _Reader()
    iterations = raw.get("iterations")
    listed = iterations if isinstance(iterations, list) else []
    calls: list[Counts] = [call for call in listed if isinstance(call, dict)] or [raw]
    uncached = _total(*(read.count(call, "input_tokens") for call in calls))
    cache_read = _total(*(read.count(call, "cache_read_input_tokens") for call in calls))
    written = _total(*(read.count(call, "cache_creation_input_tokens") for call in calls))
    for_an_hour = _total(
        *(read.count(_details(c, "cache_creation"), "ephemeral_1h_input_tokens") for c in calls)
    )
    for_minutes = written
    if written is not None and for_an_hour is not None:
        if read.part(for_an_hour, written) is None:
            for_an_hour = None
        else:
            for_minutes = written - for_an_hour
    return Usage(
        source=read.source(complete),
        input_tokens=None if uncached is None else _total(uncached, cache_read, written),
        output_tokens=_total(*(read.count(call, "output_tokens") for call in calls)),
        cache_read_tokens=cache_read,
        cache_write_tokens=for_minutes,
        cache_write_1h_tokens=for_an_hour,
        reasoning_tokens=read.count(_details(raw, "output_tokens_details"), "thinking_tokens"),
        billed_tool_calls=read.count(_details(raw, "server_tool_use"), "web_search_requests"),
    )


def gemini(raw: Counts, complete: bool) -> Usage:
    """GenerateContent: thoughts come on top of the candidates, tool prompts on top of the prompt.

    `candidatesTokenCount` is left out when there were none, so an absent one is 0.
    """
    read = _Reader()
    prompt = read.count(raw, "promptTokenCount")
    candidates = read.count(raw, "candidatesTokenCount")
    thoughts = read.count(raw, "thoughtsTokenCount")
    tool_prompt = read.count(raw, "toolUsePromptTokenCount")
    input_tokens = None if prompt is None else _total(prompt, tool_prompt)
    if candidates is None and not read.invalid:
        candidates = 0
    return Usage(
        source=read.source(complete),
        input_tokens=input_tokens,
        output_tokens=None if candidates is None else _total(candidates, thoughts),
        cache_read_tokens=read.part(read.count(raw, "cachedContentTokenCount"), input_tokens),
        reasoning_tokens=thoughts,
    )


def ollama(raw: Counts, complete: bool) -> Usage:
    """Native chat: two counts, nothing on cache or reasoning."""
    read = _Reader()
    return Usage(
        input_tokens=read.count(raw, "prompt_eval_count"),
        output_tokens=read.count(raw, "eval_count"),
        source=read.source(complete),
    )
