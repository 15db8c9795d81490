"""OpenAI's chat completions, plain and streamed, with the habits of those who copied them.

A stream carries usage only when the caller asks for it (`stream_options.include_usage`), in a last
chunk without choices, unless the provider is known to do otherwise (`habits.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.answer import Answer, ToolCall, answer
from modelops.simulator.openai import chat_request, habits
from modelops.simulator.openai import usage as openai_usage
from modelops.simulator.openai.habits import Habit
from modelops.simulator.wire import (
    JSON_TYPE,
    SSE_TYPE,
    Request,
    Response,
    Tokens,
    encode,
    sse,
)
from modelops.simulator.world import World

FINISH = {
    "stop": "stop",
    "stop_string": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
}
"""finish_reason by why the answer ended."""


def respond(request: Request, world: World) -> Response:
    """Answer `POST /chat/completions`."""
    habit = habits.habit_of(request.provider)
    chat = chat_request.load(request, habit)
    world.need_model(request.provider, chat.model)
    question = chat_request.question(chat)
    said = answer(question, world.seed)
    cached = world.cache.automatic(request.provider, question).read
    choices = chat.n or 1
    tokens = Tokens(
        input=question.input_tokens,
        output=said.output_tokens * choices,
        cache_read=cached,
        reasoning=said.reasoning_tokens * choices,
    )
    head = {
        "id": world.new_id("chatcmpl-"),
        "object": "chat.completion.chunk" if chat.stream else "chat.completion",
        "created": world.now(),
        "model": chat.model,
        "service_tier": "default",
        "system_fingerprint": "fp_simulated",
    }
    calls = [_call(call, world) for call in said.written_calls]
    response = Response(
        protocol="openai",
        headers={"content-type": SSE_TYPE if chat.stream else JSON_TYPE},
        model=chat.model,
        user=chat.safety_identifier or chat.user or "",
        tokens=tokens,
    )
    if chat.stream:
        asked = chat.stream_options is not None and chat.stream_options.include_usage
        frames = _frames(head, said, calls, habit, tokens, choices=choices, asked=asked)
        return msgspec.structs.replace(response, frames=tuple(frames))
    message = _message(said, calls, habit)
    body = {
        **head,
        "choices": [
            {"index": i, "message": message, "logprobs": None, "finish_reason": FINISH[said.stop]}
            for i in range(choices)
        ],
        "usage": openai_usage.chat(tokens, habit),
    }
    return msgspec.structs.replace(response, body=encode(body))


def _call(call: ToolCall, world: World) -> dict[str, Any]:
    return {
        "id": world.new_id("call_"),
        "type": "function",
        "function": {"name": call.name, "arguments": call.json},
    }


def _message(said: Answer, calls: list[dict[str, Any]], habit: Habit) -> dict[str, Any]:
    text = "".join(said.text)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not calls else None,
        "refusal": None,
        "annotations": [],
    }
    if said.reasoning and habit.reasoning_field:
        message[habit.reasoning_field] = "".join(said.reasoning)
    if calls:
        message["tool_calls"] = calls
    return message


def _frames(
    head: dict[str, Any],
    said: Answer,
    calls: list[dict[str, Any]],
    habit: Habit,
    tokens: Tokens,
    *,
    choices: int,
    asked: bool,
) -> Iterator[bytes]:
    usage = openai_usage.chat(tokens, habit)
    common = {"usage": None} if asked else {}
    for comment in habit.comments:
        yield f": {comment}\n\n".encode()
    for index in range(choices):
        choice: dict[str, Any] = {"index": index, "logprobs": None, "finish_reason": None}
        for delta in _deltas(said, calls, habit):
            yield sse({**head, "choices": [{**choice, "delta": delta}], **common})
        ending = {**choice, "delta": {}, "finish_reason": FINISH[said.stop]}
        extra: dict[str, Any] = dict(common)
        if index == choices - 1:
            extra |= openai_usage.on_finish_chunk(usage, habit, head["id"])
        yield sse({**head, "choices": [ending], **extra})
    if habit.usage_place == "own_chunk":
        asked = asked or habit.always_usage
    if asked and habit.usage_place != "finish_chunk":
        yield sse({**head, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _deltas(said: Answer, calls: list[dict[str, Any]], habit: Habit) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": None if calls else "", "refusal": None}
    if habit.reasoning_field:
        for token in said.reasoning:
            yield {habit.reasoning_field: token}
    for token in said.text:
        yield {"content": token}
    for index, call in enumerate(calls):
        function = call["function"]
        opened = {"name": function["name"], "arguments": ""}
        yield {"tool_calls": [{**call, "index": index, "function": opened}]}
        text = function["arguments"]
        for start in range(0, len(text), 12):
            piece = {"arguments": text[start : start + 12]}
            yield {"tool_calls": [{"index": index, "function": piece}]}
