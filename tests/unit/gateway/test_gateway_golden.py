"""Recorded traffic as every other protocol says it, word by word: `tests/golden/translation/`.

One file for a recording: its request as each target protocol gets it, and its answer as the
clients of each other protocol get it. After a change that is meant, run with
MODELOPS_WRITE_GOLDEN=1 and read the difference in git.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from gateway_doubles import model, provider, table
from gateway_recordings import Recorded, needs_recordings, recordings

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols.adapter import CannotCarryError

FOLDER = Path(__file__).parents[2] / "golden" / "translation"
CLIENTS: dict[str, Endpoint] = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}
TARGETS = {
    protocol: table(
        provider("one", protocol=protocol, base_url="https://one.test"),
        model("one/m", capabilities=("tools", "reasoning"), upstream_model="m-1"),
    ).models["one/m"]
    for protocol in ("openai", "anthropic", "gemini", "ollama")
}
REDACTED = "test_anthropic/test_anthropic_model_thinking_part_redacted_stream/0"
CASES = {
    "openai-tools": "test_openai/test_openai_tool_output/1",
    "openai-image-result": "test_openai/test_image_url_tool_response/1",
    "openai-document": "test_openai/test_document_as_binary_content_input/0",
    "openai-schema": "test_ollama/test_ollama_local_native_output_uses_json_schema/0",
    "openai-reasoning": "test_deepseek/test_deepseek_deferred_capability_with_thinking/1",
    "openai-limit": "test_openai/test_max_completion_tokens[o3-mini]/0",
    "openai-stream": "envoy-ai-gateway/chat-streaming-detailed-usage/0",
    "openai-stream-tools": "test_openai/test_run_stream_sync_streams_real_model/0",
    "anthropic-parallel-calls": "test_anthropic/test_multiple_parallel_tool_calls/0",
    "anthropic-parallel-results": "test_anthropic/test_multiple_parallel_tool_calls/1",
    "anthropic-thinking": "test_anthropic/test_anthropic_tool_with_thinking/1",
    "anthropic-document": "test_anthropic/test_document_binary_content_input/0",
    "anthropic-image": "test_anthropic/test_image_url_input/0",
    "anthropic-stop": "test_anthropic/test_prompt_with_prefill_and_stop_sequences/0",
    "anthropic-stream-thinking": "test_anthropic/test_stream_events_thinking/0",
    "anthropic-stream-redacted": REDACTED,
    "anthropic-stream-tools": "test_anthropic/test_stream_events_tool_calls/0",
    "gemini-tools": "test_google/test_google_tool_output/0",
    "gemini-cut": "test_google/test_google_model_max_tokens/0",
    "gemini-stream": "test_google/test_google_model_stream/0",
    "gemini-stream-signatures": "test_google/test_google_streaming_tool_call_thought_signature/0",
    "ollama-answer": "test_chat/test_ollama_chat_legacy/0",
    "ollama-tools": "test_chat/test_ollama_chat_tool_calls_legacy/0",
}


@needs_recordings
@pytest.mark.parametrize("case", CASES)
def test_a_recording_is_said_as_written_down(case: str) -> None:
    (item,) = [item for item in RECORDED if item.name == CASES[case]]
    said = {"recording": item.name, "requests": asked(item), "answers": answered(item)}
    made = json.dumps(said, indent=1, ensure_ascii=False) + "\n"
    path = FOLDER / f"{case}.json"
    if os.environ.get("MODELOPS_WRITE_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


RECORDED = recordings()


def asked(item: Recorded) -> dict[str, Any]:
    """Return a recorded request as the other protocols' targets get it, or what they cannot."""
    if item.kind not in CLIENTS:
        return {}
    made: dict[str, Any] = {}
    for protocol, target in TARGETS.items():
        if protocol == item.kind:
            continue
        body = Body(CLIENTS[item.kind], msgspec.json.encode(item.request))
        adapter = ADAPTERS[CLIENTS[item.kind], target.provider.protocol]
        try:
            outgoing = adapter.outgoing(body, {}, target, None)
        except CannotCarryError as error:
            made[protocol] = f"cannot carry {error}"
        else:
            content = msgspec.json.decode(outgoing.body)
            made[protocol] = {"path": outgoing.path, "body": content}
    return made


def answered(item: Recorded) -> dict[str, Any]:
    """Return a recorded answer as the other protocols' clients get it, a stream by its events."""
    made: dict[str, Any] = {}
    for dialect, endpoint in CLIENTS.items():
        if dialect == item.kind:
            continue
        options = {"stream_options": {"include_usage": True}} if dialect == "openai" else {}
        fields = {"model": "m", "messages": [], "stream": item.streamed, **options}
        body = Body(endpoint, msgspec.json.encode(fields))
        adapter = ADAPTERS[endpoint, item.kind]  # type: ignore[index]
        if item.streamed:
            reader = adapter.stream(body)
            out = reader.feed(item.response) + reader.close() + reader.end
            assert reader.failure is None
            made[dialect] = out.decode().split("\n\n")
        else:
            made[dialect] = msgspec.json.decode(adapter.answer(item.response, body).body)
    return made
