"""OpenAI's chat completions, plain and streamed, with the habits of those who copied them.

A stream carries usage only when the caller asks for it (`stream_options.include_usage`), in a last
chunk without choices, unless the provider is known to do otherwise (`habits.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator import habits, openai_usage
from modelops.simulator.answer import Answer, ToolCall, answer
from modelops.simulator.habits import Habit
from modelops.simulator.question import (
    Question,
    Segment,
    Tool,
    ToolChoice,
    ToolResult,
    segment,
)
from modelops.simulator.wire import (
    JSON_TYPE,
    SSE_TYPE,
    Request,
    RequestError,
    Response,
    Tokens,
    encode,
    read,
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


class Part(msgspec.Struct):
    """A part of a message's content."""

    type: str
    text: str = ""


class Function(msgspec.Struct):
    """A function, as it is offered or as it was called."""

    name: str
    arguments: str = ""
    parameters: dict[str, Any] | None = None


class Called(msgspec.Struct):
    """A call an earlier answer made."""

    id: str
    function: Function


class Offered(msgspec.Struct):
    """A tool the caller offers."""

    type: str
    function: Function | None = None


class Message(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str | list[Part] | None = None
    tool_calls: list[Called] | None = None
    tool_call_id: str = ""


class StreamOptions(msgspec.Struct):
    """What a stream is to carry."""

    include_usage: bool = False


class Chat(msgspec.Struct):
    """The body of a request; fields that do not change the answer are not listed."""

    model: str
    messages: list[Message]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    tools: list[Offered] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = True
    response_format: dict[str, Any] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int | None = 1
    reasoning_effort: str | None = None
    reasoning: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    enable_thinking: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


def respond(request: Request, world: World) -> Response:
    """Answer `POST /chat/completions`."""
    chat = read(request, Chat)
    habit = habits.habit_of(request.provider)
    _check(chat, habit)
    world.need_model(request.provider, chat.model)
    question = _question(chat)
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
    calls = [_call(call, world) for call in said.calls]
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


def _check(chat: Chat, habit: Habit) -> None:
    if not chat.messages:
        raise RequestError(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            code="empty_array",
            param="messages",
        )
    if habit.rejects_max_tokens and chat.max_tokens is not None and habits.reasons(chat.model):
        raise RequestError(
            "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            code="unsupported_parameter",
            param="max_tokens",
        )
    if not 1 <= (chat.n or 1) <= 128:
        raise RequestError("'n' must be between 1 and 128.", param="n")
    open_calls: set[str] = set()
    for index, message in enumerate(chat.messages):
        if message.role == "tool":
            if message.tool_call_id not in open_calls:
                raise RequestError(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceeding message with 'tool_calls'.",
                    param=f"messages.[{index}].role",
                )
            open_calls.discard(message.tool_call_id)
        elif open_calls:
            raise _unanswered(open_calls)
        else:
            open_calls = {call.id for call in message.tool_calls or ()}
    if open_calls:
        raise _unanswered(open_calls)


def _unanswered(calls: set[str]) -> RequestError:
    return RequestError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(sorted(calls)),
        param="messages",
    )


def _question(chat: Chat) -> Question:
    choice, forced = _tool_choice(chat.tool_choice)
    tools = [offer.function for offer in chat.tools or () if offer.function]
    offers = [segment(encode(tool).decode()) for tool in tools]
    stop = [chat.stop] if isinstance(chat.stop, str) else chat.stop or []
    limits = (chat.max_completion_tokens, chat.max_tokens)
    return Question(
        model=chat.model,
        text=next((_text(m) for m in reversed(chat.messages) if m.role == "user"), ""),
        prompt=(*offers, *(_segment(message) for message in chat.messages)),
        results=_results(chat.messages),
        tools=tuple(Tool(tool.name, tool.parameters or {}) for tool in tools),
        tool_choice=choice,
        forced_tool=forced,
        parallel_calls=chat.parallel_tool_calls is not False,
        schema=_schema(chat.response_format),
        reasoning=_reasons(chat),
        max_tokens=next((limit for limit in limits if limit is not None), None),
        stop=tuple(stop),
    )


def _tool_choice(value: str | dict[str, Any] | None) -> tuple[ToolChoice, str]:
    if isinstance(value, dict):
        return "required", str((value.get("function") or {}).get("name", ""))
    return ("none" if value == "none" else "required" if value == "required" else "auto"), ""


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if part.text)
    return message.content or ""


def _segment(message: Message) -> Segment:
    parts = message.content if isinstance(message.content, list) else []
    calls = [call.function.name + call.function.arguments for call in message.tool_calls or ()]
    return segment(
        "\n".join([_text(message), *calls]) if calls else _text(message),
        images=sum(part.type == "image_url" for part in parts),
        documents=sum(part.type == "file" for part in parts),
    )


def _results(messages: list[Message]) -> tuple[ToolResult, ...]:
    names = {call.id: call.function.name for m in messages for call in m.tool_calls or ()}
    last = next((i for i, m in enumerate(reversed(messages)) if m.role != "tool"), len(messages))
    ending = messages[len(messages) - last :]
    return tuple(ToolResult(names.get(m.tool_call_id, ""), _text(m)) for m in ending)


def _schema(response_format: dict[str, Any] | None) -> dict[str, Any] | None:
    kind = (response_format or {}).get("type")
    if kind == "json_schema":
        described = (response_format or {}).get("json_schema") or {}
        return dict(described.get("schema") or {})
    return {} if kind == "json_object" else None


def _reasons(chat: Chat) -> bool:
    if chat.reasoning_effort in {"none", "minimal"}:
        return False
    thinking = chat.thinking is not None and chat.thinking.get("type") != "disabled"
    asked = chat.reasoning_effort or chat.reasoning or thinking or chat.enable_thinking
    return bool(asked) or habits.reasons(chat.model)


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
