"""The child process of `calling`: reads an order, makes one request with an SDK, says how it went.

Run as `python -m modelops.probes.sdk_call` with JSON on standard input; writes JSON to standard
output. It retries nothing and keeps nothing of the answer but the token counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec

from modelops.probes.calling import Order, Outcome

_PROMPT = "Reply with the one word: OK"
_KEYLESS = "no-key"  # the SDKs insist on one; local servers ignore it
_BODY_MAX = 4_000


def main() -> None:
    """Carry out the order on standard input."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(order)))


def carry_out(order: Order) -> Outcome:
    """Make the request and return how it went; nothing is raised."""
    package, prepare = _SDKS[order.protocol]
    try:
        request = prepare(order)
    except ModuleNotFoundError:
        return Outcome(kind="sdk_missing", detail=package)
    started = time.perf_counter()
    try:
        tokens_in, tokens_out = request()
    except Exception as error:  # noqa: BLE001  # whatever an SDK raises is the finding
        return _failure(error)
    latency_us = round((time.perf_counter() - started) * 1_000_000)
    return Outcome(
        kind="answered", latency_us=latency_us, input_tokens=tokens_in, output_tokens=tokens_out
    )


Request = Callable[[], tuple[int | None, int | None]]
"""Makes the request; returns the tokens in and out that the provider reports."""


def _openai(order: Order) -> Request:
    import openai

    base_url = order.base_url + ("/v1" if order.protocol == "ollama" else "")
    client = openai.OpenAI(
        base_url=base_url,
        api_key=order.key or _KEYLESS,
        max_retries=0,
        timeout=order.timeout,
    )
    limit: dict[str, Any] = {order.token_limit_field: order.max_tokens}
    headers = _own_header(order, openai.Omit())

    def chat() -> tuple[int | None, int | None]:
        answer = client.chat.completions.create(
            model=order.model,
            messages=[{"role": "user", "content": _PROMPT}],
            extra_headers=headers,
            **limit,
        )
        usage = answer.usage
        return (usage.prompt_tokens, usage.completion_tokens) if usage else (None, None)

    def embed() -> tuple[int | None, int | None]:
        answer = client.embeddings.create(model=order.model, input=_PROMPT, extra_headers=headers)
        usage = getattr(answer, "usage", None)  # required in the SDK's types, not in the wild
        return (usage.prompt_tokens, 0) if usage else (None, None)

    return embed if order.type == "embedding" else chat


def _anthropic(order: Order) -> Request:
    import anthropic

    bearer = order.auth == "bearer"
    client = anthropic.Anthropic(
        base_url=order.base_url,
        api_key=None if bearer else order.key or _KEYLESS,
        auth_token=order.key if bearer else None,
        max_retries=0,
        timeout=order.timeout,
    )

    def chat() -> tuple[int | None, int | None]:
        answer = client.messages.create(
            model=order.model,
            max_tokens=order.max_tokens,
            messages=[{"role": "user", "content": _PROMPT}],
            extra_headers=_own_header(order, anthropic.Omit()),
        )
        return answer.usage.input_tokens, answer.usage.output_tokens

    return chat


def _gemini(order: Order) -> Request:
    from google import genai
    from google.genai import types

    root, _, version = order.base_url.rpartition("/")
    client = genai.Client(
        api_key=order.key or _KEYLESS,
        http_options=types.HttpOptions(
            base_url=root, api_version=version, timeout=round(order.timeout * 1000)
        ),
    )

    def chat() -> tuple[int | None, int | None]:
        answer = client.models.generate_content(
            model=order.model,
            contents=_PROMPT,
            config=types.GenerateContentConfig(max_output_tokens=order.max_tokens),
        )
        usage = answer.usage_metadata
        return (usage.prompt_token_count, usage.candidates_token_count) if usage else (None, None)

    def embed() -> tuple[int | None, int | None]:
        client.models.embed_content(model=order.model, contents=_PROMPT)
        return None, None

    return embed if order.type == "embedding" else chat


_SDKS: dict[str, tuple[str, Callable[[Order], Request]]] = {
    "openai": ("openai", _openai),
    "ollama": ("openai", _openai),  # Ollama serves the OpenAI protocol beside its own
    "anthropic": ("anthropic", _anthropic),
    "gemini": ("google-genai", _gemini),
}


def _own_header(order: Order, omit: Any) -> dict[str, Any] | None:
    """Return headers for a provider whose key goes into another one than the SDK's own."""
    own = {"openai": "authorization", "anthropic": "x-api-key"}.get(order.protocol, "")
    if order.auth in ("bearer", "none", own):
        return None
    return {own.title(): omit, order.auth: order.key}


def _failure(error: Exception) -> Outcome:
    """Return what an SDK's exception says; the SDKs name these attributes and types alike."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(error, "code", None)
    if isinstance(status, int):
        text = str(getattr(response, "text", "") or "")
        return Outcome(kind="refused", status=status, body=text[:_BODY_MAX])
    name = type(error).__name__
    if "Timeout" in name:
        return Outcome(kind="timeout")
    if "Connect" in name or "Connection" in name:
        return Outcome(kind="not_reached", detail=name)
    return Outcome(kind="sdk_failed", detail=name)


if __name__ == "__main__":
    main()
