"""Usage as OpenAI writes it, and as those write it who copied OpenAI."""

from __future__ import annotations

from typing import Any

from modelops.simulator.openai.habits import COST_PER_TOKEN_USD, Habit
from modelops.simulator.wire import Tokens


def chat(tokens: Tokens, habit: Habit) -> dict[str, Any]:
    """Return the usage of a chat completion."""
    completion = tokens.output - (tokens.reasoning if habit.reasoning_apart else 0)
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.input,
        "completion_tokens": completion,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    if habit.cache_split:
        usage["prompt_cache_hit_tokens"] = tokens.cache_read
        usage["prompt_cache_miss_tokens"] = tokens.input - tokens.cache_read
    if habit.cost:
        usage["cost"] = round((tokens.input + tokens.output) * COST_PER_TOKEN_USD, 9)
    return usage


def on_finish_chunk(usage: dict[str, Any], habit: Habit, chunk_id: str) -> dict[str, Any]:
    """Return what the chunk that ends the last choice carries beside the choice."""
    if habit.usage_place == "finish_chunk":
        return {"usage": usage}
    if habit.usage_place == "x_groq":
        bare = {name: count for name, count in usage.items() if not name.endswith("_details")}
        return {"x_groq": {"id": chunk_id, "usage": bare}}
    return {}


def responses(tokens: Tokens) -> dict[str, Any]:
    """Return the usage of a response."""
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cache_read},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }
