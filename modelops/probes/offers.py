"""Model lists as providers write them, read into one form. Nobody agrees on the field names.

Limits and prices are taken where a list carries them; a field that is missing or of another type
is unknown, never an error: the list is somebody else's and changes without notice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from modelops.probes.report import ProbeError
from modelops.resources.resolved import Capability, ModelType, Provider

_MILLION = Decimal(1_000_000)
_DATE = re.compile(r"-20\d{6}$")

_CONTEXT = (
    "context_length",  # OpenRouter, AiHubMix
    "context_window",  # Groq
    "max_context_length",  # Mistral, LM Studio
    "max_model_len",  # vLLM
    "max_input_tokens",  # Anthropic
    "inputTokenLimit",  # Gemini
)
_OUTPUT = ("max_completion_tokens", "max_output", "max_output_tokens", "outputTokenLimit")
_NEITHER = ("image_generation", "video", "tts", "stt", "rerank")  # AiHubMix's types


class OfferedPrice(msgspec.Struct, frozen=True, kw_only=True):
    """USD per million tokens as the provider's own list has them."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """One model a provider offers. None: its list does not say."""

    model: str
    type: ModelType | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[Capability, ...] | None = None
    price: OfferedPrice | None = None


def read(provider: Provider, body: Any) -> tuple[Offered, ...]:
    """Return the models in a list answer, sorted; ProbeError when it is no model list."""
    items = _items(body)
    if items is None:
        raise ProbeError("not_the_api", "no model list")
    found = (_offered(provider, item) for item in items if isinstance(item, dict))
    return tuple(sorted((offer for offer in found if offer), key=lambda offer: offer.model))


def names_of(provider: Provider, offers: Iterable[Offered]) -> frozenset[str]:
    """Return every name the offers can be called by.

    Ollama's `:latest` may be left out, and Anthropic's snapshots go by their name without the date.
    """
    names = {offer.model for offer in offers}
    if provider.protocol == "ollama":
        names |= {name.removesuffix(":latest") for name in names}
    if provider.protocol == "anthropic":
        names |= {_DATE.sub("", name) for name in names}
    return frozenset(names)


def _items(body: Any) -> list[Any] | None:
    if isinstance(body, dict):
        body = body.get("data", body.get("models"))
    return body if isinstance(body, list) else None


def _offered(provider: Provider, item: Mapping[str, Any]) -> Offered | None:
    name = item.get("id") or item.get("model_id") or item.get("name")
    if not isinstance(name, str) or not _answers_text(item):
        return None
    top = item.get("top_provider")
    places = [item, top] if isinstance(top, dict) else [item]
    outputs = (*_OUTPUT, "max_tokens") if provider.protocol == "anthropic" else _OUTPUT
    return Offered(
        model=name.removeprefix("models/"),
        type=_type(name, item),
        context_window=_number(places, _CONTEXT),
        max_output_tokens=_number(places, outputs),
        capabilities=_capabilities(item),
        price=_price(provider, item.get("pricing")),
    )


def _answers_text(item: Mapping[str, Any]) -> bool:
    """Return False for what a list marks as neither chat nor embedding."""
    methods = item.get("supportedGenerationMethods")
    if isinstance(methods, list) and not {"generateContent", "embedContent"} & set(methods):
        return False
    architecture = item.get("architecture")
    if isinstance(architecture, dict) and _words(architecture, "output_modalities") - {"text"}:
        return False
    return str(item.get("types")) not in _NEITHER


def _type(name: str, item: Mapping[str, Any]) -> ModelType | None:
    methods = item.get("supportedGenerationMethods")
    types = str(item.get("types") or item.get("type") or "")
    if "embed" in types or "embed" in name:
        return "embedding"
    return "chat" if isinstance(methods, list) or types in ("llm", "chat") else None


def _number(places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
    """Return the first positive whole number under one of the names; AiHubMix writes strings."""
    values = [place.get(name) for name in names for place in places]
    for value in values:
        if isinstance(value, int | str) and str(value).isdecimal() and int(value) > 0:
            return int(value)
    return None


def _capabilities(item: Mapping[str, Any]) -> tuple[Capability, ...] | None:
    """Return what the list says a model can do; None when it says nothing about that."""
    words = {word for key in _CAPABILITY_KEYS for word in _words(item, key)}
    if item.get("thinking") is True:  # Gemini
        words.add("thinking")
    if not words:
        return None
    return tuple(name for name, signs in _SIGNS.items() if words & signs)


_CAPABILITY_KEYS = (
    "capabilities",  # Anthropic, Mistral: {name: bool or {supported: bool}}; Ollama: [name]
    "features",  # AiHubMix: "thinking,tools"
    "input_modalities",  # AiHubMix: "text,image"; OpenRouter has it under `architecture`
    "supported_parameters",  # OpenRouter
    "architecture",
)
_SIGNS: dict[Capability, frozenset[str]] = {
    "vision": frozenset({"vision", "image", "image_input"}),
    "documents": frozenset({"pdf", "pdf_input", "file"}),
    "tools": frozenset({"tools", "function_calling"}),
    "json": frozenset({"structured_outputs"}),
    "reasoning": frozenset({"thinking", "reasoning"}),
}


def _words(item: Mapping[str, Any], key: str) -> set[str]:
    value = item.get(key)
    if isinstance(value, str):
        return {word.strip() for word in value.split(",") if word.strip()}
    if isinstance(value, list):
        return {word for word in value if isinstance(word, str)}
    if not isinstance(value, dict):
        return set()
    if key == "architecture":
        return _words(value, "input_modalities")
    return {name for name, flag in value.items() if flag is True or _supported(flag)}


def _supported(flag: Any) -> bool:
    return isinstance(flag, dict) and flag.get("supported") is True


def _price(provider: Provider, pricing: Any) -> OfferedPrice | None:
    """Return a listed price; OpenRouter writes USD per token, AiHubMix USD per thousand."""
    if not isinstance(pricing, dict):
        return None
    if provider.preset == "aihubmix":
        names, tokens = ("input", "output", "cache_read", "cache_write"), Decimal(1_000)
    else:
        names = ("prompt", "completion", "input_cache_read", "input_cache_write")
        tokens = Decimal(1)
    rates = [_rate(pricing.get(name), tokens) for name in names]
    if rates[0] is None or rates[1] is None:
        return None
    return OfferedPrice(input=rates[0], output=rates[1], cache_read=rates[2], cache_write=rates[3])


def _rate(value: Any, tokens: Decimal) -> Decimal | None:
    """Return USD per million tokens; None for what is no price (OpenRouter's -1: it varies)."""
    try:
        price = Decimal(str(value))
    except InvalidOperation:
        return None
    if not price.is_finite() or price < 0:
        return None
    return Decimal(format((price * _MILLION / tokens).normalize(), "f"))
