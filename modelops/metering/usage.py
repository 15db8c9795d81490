"""Reading what a call used from the answers of every protocol, streamed or not.

The gateway feeds events to a `UsageReader` as they pass and asks it at the end; a whole answer is
read by `whole_usage`. This stands on the request road: an event without usage costs two or three
dictionary look-ups, the arithmetic of each provider's habit (`normalize`) runs once per call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from modelops.metering import normalize
from modelops.metering.attempt import NO_USAGE, Usage
from modelops.resources.resolved import ORDINARY_TIERS, Protocol

Event = Mapping[str, Any]


class UsageReader:
    """Collects the usage reports of one answer; a later report replaces an earlier one by field.

    `service_tier` is the tier the provider says it served, '' when it does not say.
    """

    __slots__ = ("_find", "_normalize", "_protocol", "_raw", "service_tier")

    def __init__(self, protocol: Protocol) -> None:
        self._protocol: Protocol = protocol
        self._find, self._normalize = _READERS[protocol]
        self._raw: dict[str, Any] = {}
        self.service_tier = ""

    def feed(self, event: Event) -> None:
        """Take one decoded event of a stream."""
        found = self._find(event)
        if found is None:
            return
        for key, value in found.items():
            if value is not None:
                self._raw[key] = value
        tier = _tier(self._protocol, self._raw, event)
        if tier or self._protocol == "anthropic":  # whose last report says all of it
            self.service_tier = tier

    def usage(self, complete: bool) -> Usage:
        """Return what was used; `complete` says that the answer came to its proper end."""
        if not self._raw:
            return NO_USAGE
        return self._normalize(self._raw, complete)


def whole_usage(protocol: Protocol, body: Event) -> tuple[Usage, str]:
    """Return the usage of a whole answer from its decoded body, and the tier it was served at.

    '' is a tier that the provider does not say.
    """
    find, normalized = _READERS[protocol]
    found = find(body)
    if found is None:
        return NO_USAGE, ""
    usage = normalized(found, True)
    if usage.source == "partial" and _says_nothing(found):
        return NO_USAGE, ""
    return usage, _tier(protocol, found, body)


_OUTPUT: Mapping[Protocol, str] = {
    "openai": "completion_tokens",
    "anthropic": "output_tokens",
    "gemini": "candidatesTokenCount",
    "ollama": "eval_count",
}


def embedding_usage(protocol: Protocol, body: Event) -> Usage:
    """Return the usage of an embedding: its output, which few reports name, is 0."""
    find, normalized = _READERS[protocol]
    found = find(body)
    if found is None or _says_nothing(found):
        return NO_USAGE
    return normalized({**found, _OUTPUT[protocol]: 0}, True)


def _says_nothing(found: Event) -> bool:
    """Say whether a report has nothing but nulls."""
    return list(found.values()).count(None) == len(found)


_ORDINARY_SERVICE = ("", "standard", "global", "not_available")
"""Of speed and region: the last is that of models which do not have a choice of it."""


def _tier(protocol: Protocol, found: Event, event: Event) -> str:
    """Return the tier, with Anthropic's words for a speed and a region that cost more, `fast-us`.

    Fast mode costs twice to six times as much, inference in the US alone 1.1 times, and both stand
    beside the tier (Anthropic's pages on fast mode and on data residency).
    """
    tier = found.get("service_tier") or found.get("serviceTier") or event.get("service_tier")
    said = tier.lower() if isinstance(tier, str) else ""  # google-genai reads it in any case
    if protocol != "anthropic":
        return said
    dearer = [
        word
        for word in (found.get("speed"), found.get("inference_geo"))
        if isinstance(word, str) and word not in _ORDINARY_SERVICE
    ]
    if dearer and said in ORDINARY_TIERS:
        return "-".join(dearer)
    return "-".join([said, *dearer])


def _find_openai(event: Event) -> Event | None:
    """Chat: `usage`, or `x_groq.usage`; Responses: `usage`, or `response.usage` in a stream."""
    usage = event.get("usage")
    if isinstance(usage, dict):
        return _with_tool_calls(usage, event)
    response = event.get("response")
    if isinstance(response, dict):
        return _find_openai(response)
    groq = event.get("x_groq")
    if isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
        usage = groq["usage"]
        return usage if isinstance(usage, dict) else None
    return None


def _with_tool_calls(usage: Event, answer: Event) -> Event:
    """Add the tool calls that a Responses answer lists as output items and bills one by one."""
    output = answer.get("output")
    if not isinstance(output, list):
        return usage
    calls = sum(
        isinstance(item, dict) and item.get("type") in normalize.BILLED_OUTPUT_ITEMS
        for item in output
    )
    return {**usage, "billed_tool_calls": calls, "service_tier": answer.get("service_tier")}


def _find_anthropic(event: Event) -> Event | None:
    """`usage` of a body or of message_delta, `message.usage` of message_start."""
    usage = event.get("usage")
    if usage is None:
        message = event.get("message")
        usage = message.get("usage") if isinstance(message, dict) else None
    return usage if isinstance(usage, dict) else None


def _find_gemini(event: Event) -> Event | None:
    usage = event.get("usageMetadata")
    return usage if isinstance(usage, dict) else None


def _find_ollama(event: Event) -> Event | None:
    """Both counts, of the body itself or of the last object of a stream."""
    if "eval_count" not in event and "prompt_eval_count" not in event:
        return None
    return {key: event.get(key) for key in ("prompt_eval_count", "eval_count")}


_Find = Callable[[Event], Event | None]
_Normalize = Callable[[Event, bool], Usage]

_READERS: Mapping[Protocol, tuple[_Find, _Normalize]] = {
    "openai": (_find_openai, normalize.openai),
    "anthropic": (_find_anthropic, normalize.anthropic),
    "gemini": (_find_gemini, normalize.gemini),
    "ollama": (_find_ollama, normalize.ollama),
}
