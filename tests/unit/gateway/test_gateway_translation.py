"""Translation between protocols: round trips, and what cannot be carried is named."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_doubles import model, provider, table
from hypothesis import given, settings
from hypothesis import strategies as st

from modelops.gateway.body import Body
from modelops.gateway.call import Endpoint
from modelops.gateway.protocols import ADAPTERS
from modelops.gateway.protocols import conversation as canonical
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.anthropic import request as anthropic_request
from modelops.gateway.protocols.anthropic import writing as anthropic_writing
from modelops.gateway.protocols.conversation import Conversation, Message, Part, Text
from modelops.gateway.protocols.gemini import writing as gemini_writing
from modelops.gateway.protocols.ollama import writing as ollama_writing
from modelops.gateway.protocols.openai import request as openai_request
from modelops.gateway.protocols.openai import writing as openai_writing
from modelops.gateway.protocols.tool_ids import portable
from modelops.gateway.table import Target
from modelops.resources.resolved import Protocol

CHAT: Endpoint = "/v1/chat/completions"
MESSAGES: Endpoint = "/v1/messages"

TARGETS: dict[str, Target] = {
    protocol: table(
        provider("one", protocol=protocol),
        model("one/m", capabilities=("tools", "reasoning"), upstream_model="m-1"),
    ).models["one/m"]
    for protocol in ("openai", "anthropic", "gemini", "ollama")
}

# Round trips

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12)
names = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)
ids = st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True)
texts = words.map(Text)
images = st.just(canonical.Image("image/png", "aGk=")) | st.just(
    canonical.Image(url="https://x.test/a.png")
)
documents = st.just(canonical.Document("application/pdf", "aGk=", name="a.pdf"))
arguments = st.dictionaries(names, st.integers() | words, max_size=3).map(
    lambda fields: json.dumps(fields, ensure_ascii=False)
)


@st.composite
def tool_rounds(draw: st.DrawFn) -> list[Message]:
    """Return a turn of the model with calls, and the turn with their results."""
    called = draw(st.lists(st.tuples(ids, names, arguments), min_size=1, max_size=3,
                           unique_by=lambda call: call[0]))  # fmt: skip
    said = draw(st.lists(texts, max_size=1))
    calls = [canonical.ToolCall(*call) for call in called]
    results = [canonical.ToolResult(call.id, call.name, (draw(texts),)) for call in calls]
    return [Message("assistant", (*said, *calls)), Message("user", tuple(results))]


asked = st.lists(texts | images | documents, min_size=1, max_size=3).map(
    lambda parts: [Message("user", tuple(parts))]
)
answered = texts.map(lambda text: [Message("assistant", (text,))])
exchanges = tool_rounds() | st.tuples(answered, asked).map(lambda turns: turns[0] + turns[1])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """Return a system message or none, a question, and what followed."""
    system = draw(st.lists(texts.map(lambda text: Message("system", (text,))), max_size=1))
    later = draw(st.lists(exchanges, max_size=3))
    return (*system, *draw(asked), *(turn for turns in later for turn in turns))


schemas = st.just(
    msgspec.Raw(
        b'{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],'
        b'"additionalProperties":false}'
    )
)
tools = st.lists(st.builds(canonical.Tool, names, st.just("") | words, schemas, st.booleans()),
                 max_size=2)  # fmt: skip
conversations = st.builds(
    Conversation,
    messages=histories(),
    tools=tools.map(tuple),
    max_tokens=st.integers(1, 9000),
    temperature=st.none() | st.floats(0, 1),
    top_p=st.none() | st.floats(0, 1),
    stop=st.lists(words, max_size=4).map(tuple),
    format=st.none() | st.builds(canonical.Format, schemas),
    user=st.just("") | names,
    stream=st.booleans(),
)


def flat(conversation: Conversation) -> list[tuple[str, Part]]:
    """Return the parts with who said them: how turns are cut is the protocols' own affair."""
    return [(turn.role, part) for turn in conversation.messages for part in turn.parts]


def plain(tool: canonical.Tool) -> tuple[str, str, object, bool]:
    return tool.name, tool.description, msgspec.json.decode(tool.parameters), tool.strict


@pytest.mark.parametrize("protocol", ["openai", "anthropic"])
@settings(max_examples=50)
@given(asked=conversations)
def test_a_conversation_survives_the_protocol(protocol: str, asked: Conversation) -> None:
    if protocol == "openai":
        fields = openai_writing.write_request(asked, TARGETS[protocol])
        read = openai_request.read_request(msgspec.json.encode(fields))
    else:
        fields = anthropic_writing.write_request(asked, TARGETS[protocol])
        read = anthropic_request.read_request(msgspec.json.encode(fields))
    assert flat(read) == flat(asked)
    assert list(map(plain, read.tools)) == list(map(plain, asked.tools))
    for name in ("max_tokens", "temperature", "top_p", "stop", "user", "stream"):
        assert getattr(read, name) == getattr(asked, name)
    assert (read.format is None) == (asked.format is None)


@settings(max_examples=50)
@given(conversations)
def test_every_target_gets_every_word_or_says_what_it_cannot_carry(asked: Conversation) -> None:
    for write, name in ((gemini_writing, "gemini"), (ollama_writing, "ollama")):
        try:
            fields = write.write_request(asked, TARGETS[name])
        except CannotCarryError:
            continue
        written = msgspec.json.decode(msgspec.json.encode(fields))
        heard = "\n".join(_strings(written))
        for _, part in flat(asked):
            if isinstance(part, Text):
                assert part.text in heard
            if isinstance(part, canonical.ToolCall):
                assert part.name in heard


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for item in items for text in _strings(item)]


@given(st.text(max_size=80))
def test_ids_of_calls_are_mapped_alike_wherever_they_stand(tool_id: str) -> None:
    mapped = portable(tool_id)
    assert portable(mapped) == mapped
    assert 1 <= len(mapped) <= 40
    assert mapped.replace("-", "_").replace("_", "a").isalnum()


# What cannot be carried

OPENAI: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
ANTHROPIC: dict[str, Any] = {**OPENAI, "max_tokens": 9}


@pytest.mark.parametrize(
    ("protocol", "more", "feature"),
    [
        ("anthropic", {"n": 2}, "^`n`=2$"),
        ("anthropic", {"seed": 7}, "seed"),
        ("anthropic", {"frequency_penalty": 0.5}, "frequency_penalty"),
        ("anthropic", {"temperature": 1.5}, "temperature over 1"),
        ("anthropic", {"response_format": {"type": "json_object"}}, "json_object"),
        ("anthropic", {"logit_bias": {"1": 2}}, "logit_bias"),
        ("anthropic", {"tools": [{"type": "web_search"}]}, r"^`tools\[0\].type`='web_search'$"),
        ("anthropic", {"store": True}, "store"),
        ("ollama", {"tool_choice": "required"}, "must be called"),
        ("anthropic", {"some_future_field": 1}, "^`some_future_field`$"),
        ("anthropic", {"response_format": {"type": "text", "x": 1}}, "^`response_format.x`$"),
        ("anthropic", {"max_tokens": "9"}, "^`max_tokens`: expected `int"),
        ("anthropic", {"messages": [{"role": "assistant", "audio": {"id": "a"}}]}, "0..audio`$"),
    ],
)
def test_what_a_target_cannot_carry_is_named(
    protocol: Any, more: dict[str, Any], feature: str
) -> None:
    body = Body(CHAT, msgspec.json.encode({**OPENAI, **more}))
    with pytest.raises(CannotCarryError, match=feature):
        ADAPTERS[CHAT, protocol].outgoing(body, {}, TARGETS[protocol], None)


@pytest.mark.parametrize(
    ("more", "feature"),
    [
        ({"top_k": 5}, "top_k"),
        ({"mcp_servers": []}, "mcp_servers"),
        ({"tools": [{"type": "web_search_20250305", "name": "w"}]}, "tools"),
        ({"stop_sequences": list("abcde")}, "stop sequences"),
        ({"messages": [{"role": "user", "content": [{"type": "search_result"}]}]}, "search_result"),
    ],
)
def test_what_an_openai_target_cannot_carry_is_named(more: dict[str, Any], feature: str) -> None:
    body = Body(MESSAGES, msgspec.json.encode({**ANTHROPIC, **more}))
    with pytest.raises(CannotCarryError, match=feature):
        ADAPTERS[MESSAGES, "openai"].outgoing(body, {}, TARGETS["openai"], None)


def test_reasoning_is_asked_for_only_where_there_is_any() -> None:
    body = Body(CHAT, msgspec.json.encode({**OPENAI, "reasoning_effort": "high"}))
    sent = ADAPTERS[CHAT, "anthropic"].outgoing(body, {}, TARGETS["anthropic"], None)
    fields = msgspec.json.decode(sent.body)
    assert fields["thinking"] == {"type": "enabled", "budget_tokens": 3072}
    assert fields["max_tokens"] == 4096
    plain_target = msgspec.structs.replace(TARGETS["anthropic"], capabilities=frozenset())
    with pytest.raises(CannotCarryError, match="reasoning"):
        ADAPTERS[CHAT, "anthropic"].outgoing(body, {}, plain_target, None)


@pytest.mark.parametrize("keeps", ["as it came", "as LiteLLM does"])
def test_anthropics_signed_reasoning_goes_through_an_openai_client_and_back(keeps: str) -> None:
    answer = {
        "id": "msg_1", "model": "m", "stop_reason": "tool_use",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
            {"type": "redacted_thinking", "data": "sealed"},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 2},
    }  # fmt: skip
    body = Body(CHAT, msgspec.json.encode(OPENAI))
    shown = ADAPTERS[CHAT, "anthropic"].answer(msgspec.json.encode(answer), body)
    message = msgspec.json.decode(shown.body)["choices"][0]["message"]
    if keeps == "as LiteLLM does":
        unknown = {name: message.pop(name) for name in ("reasoning_details", "refusal")}
        message |= {"provider_specific_fields": unknown, "function_call": None}
        message["tool_calls"][0]["provider_specific_fields"] = None
    history = [*OPENAI["messages"], message, {"role": "tool", "tool_call_id": "t1", "content": "x"}]
    again = Body(CHAT, msgspec.json.encode({**OPENAI, "messages": history}))
    sent = ADAPTERS[CHAT, "anthropic"].outgoing(again, {}, TARGETS["anthropic"], None)
    assert msgspec.json.decode(sent.body)["messages"][1]["content"] == answer["content"]


@pytest.mark.parametrize("endpoint", [CHAT, MESSAGES])
def test_geminis_signatures_go_through_every_client_and_back(endpoint: Endpoint) -> None:
    call = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
    answer = {
        "candidates": [{"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}],
        "responseId": "r1", "modelVersion": "gemini-3-pro",
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
    }  # fmt: skip
    first = OPENAI if endpoint == CHAT else ANTHROPIC
    body = Body(endpoint, msgspec.json.encode(first))
    shown = msgspec.json.decode(
        ADAPTERS[endpoint, "gemini"].answer(msgspec.json.encode(answer), body).body
    )
    if endpoint == CHAT:
        message = shown["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "ok"}
    else:
        message = {"role": "assistant", "content": shown["content"]}
        called = shown["content"][-1]["id"]
        said = {"type": "tool_result", "tool_use_id": called, "content": "ok"}
        result = {"role": "user", "content": [said]}
    history = [*first["messages"], message, result]
    again = Body(endpoint, msgspec.json.encode({**first, "messages": history}))
    sent = ADAPTERS[endpoint, "gemini"].outgoing(again, {}, TARGETS["gemini"], None)
    contents = msgspec.json.decode(sent.body)["contents"]
    assert contents[1]["parts"] == [call]
    assert contents[2]["parts"][0]["functionResponse"]["response"] == {"result": "ok"}


ENDED: dict[Protocol, tuple[str, dict[str, Any]]] = {
    "openai": ("function_call", {"choices": [{"message": {}, "finish_reason": "function_call"}]}),
    "anthropic": ("end_turn", {"content": [], "stop_reason": "end_turn"}),
    "gemini": ("SAFETY", {"promptFeedback": {"blockReason": "SAFETY"}}),
    "ollama": ("load", {"message": {"content": ""}, "done_reason": "load"}),
}


@pytest.mark.parametrize("protocol", ENDED)
def test_the_books_keep_the_word_in_which_a_provider_ended(protocol: Protocol) -> None:
    word, answer = ENDED[protocol]
    endpoint, asked = (CHAT, OPENAI) if protocol != "openai" else (MESSAGES, ANTHROPIC)
    body = Body(endpoint, msgspec.json.encode(asked))
    read = ADAPTERS[endpoint, protocol].answer(msgspec.json.encode(answer), body)
    assert read.finish_reason == word
