"""Reads a chat completion request, and refuses what OpenAI refuses.

The checks are those that a wrong translation from another protocol would run into: tool messages
without their calls, calls without their answers, a limit under the wrong name.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.simulator.openai import habits
from modelops.simulator.openai.habits import Habit
from modelops.simulator.openai.strict import check_schema
from modelops.simulator.question import (
    Question,
    Segment,
    Tool,
    ToolChoice,
    ToolResult,
    segment,
)
from modelops.simulator.wire import Request, RequestError, encode, read


class Part(msgspec.Struct):
    """A part of a message's content."""

    type: str
    text: str = ""


class Function(msgspec.Struct):
    """A function, as it is offered or as it was called."""

    name: str
    arguments: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


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
    reasoning_content: str | None = None


class Choice(msgspec.Struct):
    """A tool the caller insists on."""

    function: Function | None = None


class JsonSchema(msgspec.Struct):
    """The schema an answer must fit."""

    schema: dict[str, Any] | None = None
    name: str = ""
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    """The form an answer must have."""

    type: str
    json_schema: JsonSchema | None = None


class Thinking(msgspec.Struct):
    """Reasoning, as DeepSeek and GLM switch it."""

    type: str = "enabled"


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
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = True
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int | None = 1
    temperature: float | None = None
    top_p: float | None = None
    reasoning_effort: str | None = None
    reasoning: dict[str, Any] | None = None
    thinking: Thinking | None = None
    enable_thinking: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


def load(request: Request, habit: Habit) -> Chat:
    """Return the body of a request; RequestError for what the provider would refuse."""
    chat = read(request, Chat)
    _check(chat, habit)
    return chat


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
    if habit.rejects_max_tokens and habits.samples_by_default_only(chat.model):
        _check_sampling(chat)
    if not 1 <= (chat.n or 1) <= 128:
        raise RequestError("'n' must be between 1 and 128.", param="n")
    if habit.checks_strict:
        _check_strict(chat)
    if habit.wants_reasoning_back and _reasons(chat):
        _check_reasoning(chat)
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


def _check_sampling(chat: Chat) -> None:
    if chat.temperature not in (None, 1):
        raise RequestError(
            f"Unsupported value: 'temperature' does not support {chat.temperature} with this "
            "model. Only the default (1) value is supported.",
            code="unsupported_value",
            param="temperature",
        )
    if chat.top_p is not None:
        raise RequestError(
            "Unsupported parameter: 'top_p' is not supported with this model.",
            code="unsupported_parameter",
            param="top_p",
        )


def _check_strict(chat: Chat) -> None:
    """Refuse strict schemas as platform.openai.com/docs/guides/structured-outputs says."""
    for offer in chat.tools or ():
        if offer.function and offer.function.strict:
            where = f"function '{offer.function.name}'"
            check_schema(offer.function.parameters or {}, where)
    wanted = chat.response_format.json_schema if chat.response_format else None
    if wanted is not None and wanted.strict:
        check_schema(wanted.schema or {}, f"response_format '{wanted.name}'")


def _check_reasoning(chat: Chat) -> None:
    """Refuse turns without reasoning as DeepSeek does: those that call, and since the last user's.

    (https://api-docs.deepseek.com/guides/thinking_mode)
    """
    if not chat.tools:
        return
    current = True
    for message in reversed(chat.messages):
        current = current and message.role != "user"
        wanted = message.role == "assistant" and (current or message.tool_calls)
        if wanted and message.reasoning_content is None:
            raise RequestError(
                "The `reasoning_content` in the thinking mode must be passed back to the API.",
                code="invalid_request_error",
            )


def _unanswered(calls: set[str]) -> RequestError:
    return RequestError(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to "
        "each 'tool_call_id'. The following tool_call_ids did not have response messages: "
        + ", ".join(sorted(calls)),
        param="messages",
    )


def question(chat: Chat) -> Question:
    """Return the request in the terms that decide its answer."""
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


def _tool_choice(value: str | Choice | None) -> tuple[ToolChoice, str]:
    if isinstance(value, Choice):
        return "required", value.function.name if value.function else ""
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


def _schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type not in {"json_schema", "json_object"}:
        return None
    return (wanted.json_schema.schema or {}) if wanted.json_schema else {}


def _reasons(chat: Chat) -> bool:
    disabled = chat.thinking is not None and chat.thinking.type == "disabled"
    if disabled or chat.reasoning_effort in {"none", "minimal"}:
        return False
    asked = chat.reasoning_effort or chat.reasoning or chat.thinking or chat.enable_thinking
    return bool(asked) or habits.reasons(chat.model)
