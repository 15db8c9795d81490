"""How providers that speak OpenAI's protocol differ from OpenAI, by the provider's name.

Recorded traffic shows each of these: where a stream carries its usage, what reasoning is called,
whether reasoning is counted inside the output, what else stands in the usage. A provider of any
other name is taken for somebody's own server, which behaves like OpenAI and needs no key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

UsagePlace = Literal["own_chunk", "finish_chunk", "x_groq"]


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider does in its own way.

    `reasoning_field` is where the text of reasoning goes, '' when it is hidden. `always_usage`
    means that a stream reports usage without being asked. `reasoning_apart` means that
    completion_tokens leave reasoning out, and only total_tokens has it. `cost` adds what the
    answer cost in USD. `keyless` providers do without a key. `comments` are sent before a stream.
    `cache_split` reports cached and uncached input beside the total.
    """

    reasoning_field: str = ""
    usage_place: UsagePlace = "own_chunk"
    always_usage: bool = False
    reasoning_apart: bool = False
    cost: bool = False
    keyless: bool = False
    comments: tuple[str, ...] = ()
    cache_split: bool = False
    rejects_max_tokens: bool = False
    """Answers 400 to `max_tokens` for models that reason."""
    checks_strict: bool = False
    """Answers 400 to a strict schema that leaves a property optional or allows others."""
    wants_reasoning_back: bool = False
    """Answers 400, where it reasons, to a turn of a tool loop without its reasoning."""


OPENAI = Habit(rejects_max_tokens=True, checks_strict=True)

HABITS: Mapping[str, Habit] = {
    "openai": OPENAI,
    "azure": OPENAI,
    "anthropic": Habit(),
    "google": Habit(),
    "aihubmix": Habit(),
    "deepseek": Habit(
        reasoning_field="reasoning_content",
        usage_place="finish_chunk",
        always_usage=True,
        comments=("keep-alive",),
        cache_split=True,
        wants_reasoning_back=True,
    ),
    "qwen": Habit(reasoning_field="reasoning_content"),
    "glm": Habit(
        reasoning_field="reasoning_content", usage_place="finish_chunk", always_usage=True
    ),
    "mistral": Habit(usage_place="finish_chunk", always_usage=True),
    "groq": Habit(reasoning_field="reasoning", usage_place="x_groq", always_usage=True),
    "xai": Habit(reasoning_field="reasoning_content", reasoning_apart=True, always_usage=True),
    "openrouter": Habit(
        reasoning_field="reasoning",
        always_usage=True,
        cost=True,
        comments=("OPENROUTER PROCESSING", "OPENROUTER PROCESSING"),
    ),
    "ollama": Habit(reasoning_field="reasoning", keyless=True),
    "lm-studio": Habit(keyless=True),
    "vllm": Habit(reasoning_field="reasoning_content", keyless=True),
}
"""Habits by provider name."""

PLAIN = Habit(keyless=True)
"""A provider of any other name."""

COST_PER_TOKEN_USD = 0.000001
"""What a token costs at a provider that reports cost: a round number to check by hand."""

REASONING_MODELS = (
    *("o1", "o3", "o4", "gpt-5", "gpt-oss", "qwq"),
    *("deepseek-reasoner", "deepseek-v4", "deepseek-flash"),
)
"""Beginnings of names of models that reason without being asked."""


def habit_of(provider: str) -> Habit:
    """Return how a provider behaves."""
    return HABITS.get(provider, PLAIN)


def reasons(model: str) -> bool:
    """Return whether a model reasons without being asked."""
    return model.rpartition("/")[2].startswith(REASONING_MODELS)


def samples_by_default_only(model: str) -> bool:
    """Return whether a model refuses temperature and top_p: the o series and the first GPT 5."""
    name = model.rpartition("/")[2]
    first_gpt5 = name.startswith("gpt-5") and not name.startswith("gpt-5.") and "chat" not in name
    return first_gpt5 or name.startswith(("o1", "o3", "o4"))
