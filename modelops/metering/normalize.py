"""One meaning for every provider's usage counts: input includes cache, output includes reasoning.

One function per protocol; what differs between providers of the OpenAI protocol is told apart by
the fields they send, not by their names. A count that cannot be true is None and marks the usage
`invalid` (`counts`). This runs once per call, on the request road.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.metering import counts
from modelops.metering.attempt import Usage, UsageSource
from modelops.metering.counts import MAX_TOKENS, Count, Raw
from modelops.metering.stated_cost import stated_cost

BILLED_OUTPUT_ITEMS = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"}
)
"""Output items of the Responses API that OpenAI bills by the call."""


def _source(
    input_tokens: int | None, output_tokens: int | None, *, absurd: bool, complete: bool
) -> UsageSource:
    """Return how far counts can be trusted; those of one side alone are only a part."""
    if absurd:
        return "invalid"
    both = input_tokens is not None and output_tokens is not None
    return "reported" if complete and both else "partial"


def _total(*values: int | None) -> int | None:
    """Return the sum of what is known, None when nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


_SUMS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_1h_tokens",
)


def _bounded(usage: Usage) -> Usage:
    """Drop implausibly large totals and mark the usage invalid."""
    beyond = {name: None for name in _SUMS if (getattr(usage, name) or 0) >= MAX_TOKENS}
    return msgspec.structs.replace(usage, source="invalid", **beyond) if beyond else usage


class _OpenAiInput(msgspec.Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    cache_creation_input_tokens: Count = None


class _OpenAiOutput(msgspec.Struct, gc=False):
    reasoning_tokens: Count = None


class _OpenAi(msgspec.Struct, gc=False):
    prompt_tokens: Count = None
    input_tokens: Count = None
    completion_tokens: Count = None
    output_tokens: Count = None
    total_tokens: Count = None
    prompt_tokens_details: _OpenAiInput | None = None
    input_tokens_details: _OpenAiInput | None = None
    completion_tokens_details: _OpenAiOutput | None = None
    output_tokens_details: _OpenAiOutput | None = None
    prompt_cache_hit_tokens: Count = None
    cached_tokens: Count = None
    num_cached_tokens: Count = None
    prompt_token_details: _OpenAiInput | None = None
    billed_tool_calls: Count = None
    num_server_side_tools_used: Count = None
    cost_in_usd_ticks: Any = None
    cost: Any = None
    cost_details: Any = None
    is_byok: Any = None


_NO_INPUT = _OpenAiInput()
_NO_OUTPUT = _OpenAiOutput()


def openai(raw: Raw, complete: bool) -> Usage:
    """Chat Completions, Responses and embeddings, of every provider that speaks them.

    Cache counts lie inside the input. Where `total_tokens` exceeds input and output, the provider
    left reasoning out of the output (xAI, Gemini's OpenAI form): it is billed, so it counts.
    """
    found, absurd = counts.read(raw, _OpenAi)
    within = found.prompt_tokens_details or found.input_tokens_details or _NO_INPUT
    without = found.completion_tokens_details or found.output_tokens_details or _NO_OUTPUT
    input_tokens, output_tokens = found.prompt_tokens, found.completion_tokens
    if input_tokens is None:
        input_tokens = found.input_tokens
    if output_tokens is None:
        output_tokens = found.output_tokens
    if found.total_tokens is not None and input_tokens is not None:
        output_tokens = max(output_tokens or 0, found.total_tokens - input_tokens)
    cache_read = within.cached_tokens
    if cache_read is None:
        cache_read = _cache_read(found)
    cache_write = within.cache_write_tokens
    if cache_write is None:
        cache_write = within.cache_creation_input_tokens
    if input_tokens is not None and (cache_read or 0) + (cache_write or 0) > input_tokens:
        absurd, cache_read, cache_write = True, None, None
    tool_calls = found.billed_tool_calls
    if tool_calls is None:
        tool_calls = found.num_server_side_tools_used
    cost = cost_of_input = None
    if found.cost is not None or found.cost_in_usd_ticks is not None:
        cost, cost_of_input, odd = stated_cost(
            found.cost_in_usd_ticks, found.cost, found.cost_details, byok=found.is_byok is True
        )
        absurd = absurd or odd
    if found.is_byok is True and cost is None:
        complete = False  # nor does a price tell the fee
    return Usage(
        source=_source(input_tokens, output_tokens, absurd=absurd, complete=complete),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        reasoning_tokens=without.reasoning_tokens,
        billed_tool_calls=tool_calls,
        provider_cost_pico=cost,
        provider_input_pico=cost_of_input,
    )


def _cache_read(found: _OpenAi) -> int | None:
    """Return what was read from a cache by the names that others than OpenAI have for it."""
    if found.prompt_cache_hit_tokens is not None:
        return found.prompt_cache_hit_tokens
    if found.cached_tokens is not None:
        return found.cached_tokens
    if found.num_cached_tokens is not None:  # Mistral's first way to spell it
        return found.num_cached_tokens
    return found.prompt_token_details.cached_tokens if found.prompt_token_details else None


class _AnthropicLives(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Count = None
    ephemeral_1h_input_tokens: Count = None


class _AnthropicOutput(msgspec.Struct, gc=False):
    thinking_tokens: Count = None


class _AnthropicTools(msgspec.Struct, gc=False):
    web_search_requests: Count = None


class _Anthropic(msgspec.Struct, gc=False):
    input_tokens: Count = None
    output_tokens: Count = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: _AnthropicLives | None = None
    output_tokens_details: _AnthropicOutput | None = None
    server_tool_use: _AnthropicTools | None = None
    iterations: Any = None


_OF_ANOTHER_MODEL = {"advisor_message", "fallback_message"}


def anthropic(raw: Raw, complete: bool) -> Usage:
    """Messages: input and the cache counts exclude each other.

    `iterations` lists every model call behind the answer, and its sum is what is billed: the counts
    at the top leave compaction out. Where it lists nothing else, they are the rest. What an advisor
    or a fallback used is billed at the price of another model, so the whole cost is not known.
    """
    found, absurd = counts.read(raw, _Anthropic)
    calls = [found]
    if isinstance(found.iterations, list):
        given = [call for call in found.iterations if type(call) is dict]
        listed = [counts.read(call, _Anthropic) for call in given]
        kinds = {str(call.get("type")) for call in given}
        calls = [call for call, _ in listed] + ([] if kinds - {"compaction"} else [found])
        absurd = absurd or any(odd for _, odd in listed)
        complete = complete and not kinds & _OF_ANOTHER_MODEL
    uncached = _total(*[call.input_tokens for call in calls])
    cache_read = _total(*[call.cache_read_input_tokens for call in calls])
    written = _total(*[_written(call) for call in calls])
    lives = [call.cache_creation for call in calls if call.cache_creation is not None]
    for_an_hour = _total(*[life.ephemeral_1h_input_tokens for life in lives])
    for_minutes = written if written is None else written - (for_an_hour or 0)
    input_tokens = None if uncached is None else _total(uncached, cache_read, written)
    output_tokens = _total(*[call.output_tokens for call in calls])
    thought, tools = found.output_tokens_details, found.server_tool_use
    usage = Usage(
        source=_source(input_tokens, output_tokens, absurd=absurd, complete=complete),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cache_read,
        cache_write_tokens=for_minutes,
        cache_write_1h_tokens=for_an_hour,
        reasoning_tokens=thought.thinking_tokens if thought else None,
        billed_tool_calls=tools.web_search_requests if tools else None,
    )
    return _bounded(usage)


def _written(call: _Anthropic) -> int | None:
    """Return all that a call wrote to the cache: the total may be left out beside its parts."""
    total, lives = call.cache_creation_input_tokens, call.cache_creation
    if lives is None:
        return total
    parts = _total(lives.ephemeral_5m_input_tokens, lives.ephemeral_1h_input_tokens)
    return total if parts is None else max(total or 0, parts)


_GEMINIS_NAMES = {
    "prompt": "promptTokenCount",
    "candidates": "candidatesTokenCount",
    "thoughts": "thoughtsTokenCount",
    "tool_prompt": "toolUsePromptTokenCount",
    "cached": "cachedContentTokenCount",
}


class _Gemini(msgspec.Struct, gc=False, rename=_GEMINIS_NAMES):
    prompt: Count = None
    candidates: Count = None
    thoughts: Count = None
    tool_prompt: Count = None
    cached: Count = None


def gemini(raw: Raw, complete: bool) -> Usage:
    """GenerateContent: thoughts come on top of the candidates, tool prompts on top of the prompt.

    `candidatesTokenCount` is left out when there were none, so an absent one is 0.
    """
    found, absurd = counts.read(raw, _Gemini)
    input_tokens = found.prompt
    if input_tokens is not None:
        input_tokens += found.tool_prompt or 0
    output_tokens = found.candidates
    if output_tokens is not None or not absurd:
        output_tokens = (output_tokens or 0) + (found.thoughts or 0)
    cached = found.cached
    if cached is not None and input_tokens is not None and cached > input_tokens:
        absurd, cached = True, None
    usage = Usage(
        source=_source(input_tokens, output_tokens, absurd=absurd, complete=complete),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=cached,
        reasoning_tokens=found.thoughts,
    )
    return _bounded(usage)


class _Ollama(msgspec.Struct, gc=False):
    prompt_eval_count: Count = None
    eval_count: Count = None


def ollama(raw: Raw, complete: bool) -> Usage:
    """Native chat: two counts, nothing on cache or reasoning."""
    found, absurd = counts.read(raw, _Ollama)
    input_tokens, output_tokens = found.prompt_eval_count, found.eval_count
    return Usage(
        source=_source(input_tokens, output_tokens, absurd=absurd, complete=complete),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )
