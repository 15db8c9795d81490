"""Reads a request to OpenAI's responses, and refuses what OpenAI refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.openai import habits
from modelops.simulator.question import (
    Question,
    Segment,
    Tool,
    ToolChoice,
    ToolResult,
    segment,
)
from modelops.simulator.wire import Request, RequestError, encode, read, shaped
from modelops.simulator.world import World

Json = dict[str, Any]


class Item(msgspec.Struct):
    """An item of the input, of any type; a message may leave its type out."""

    type: str = "message"
    role: str = ""
    content: str | list[Json] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | list[Json] | None = None
    summary: list[Json] | None = None


class Offered(msgspec.Struct):
    """A tool the caller offers, or insists on."""

    type: str = ""
    name: str = ""
    parameters: Json | None = None


class Format(msgspec.Struct):
    """The form an answer must have."""

    type: str = "text"
    schema: Json | None = None


class Reasoning(msgspec.Struct):
    """How hard to think."""

    effort: str | None = None


class Ask(msgspec.Struct, kw_only=True):
    """The body of a request; fields that do not change the answer are not listed."""

    model: str
    input: str | list[Item]
    instructions: str | None = None
    previous_response_id: str | None = None
    tools: list[Json] | None = None
    tool_choice: str | Json | None = None
    parallel_tool_calls: bool | None = True
    text: Json | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: int | None = None
    store: bool | None = True
    stream: bool | None = False
    user: str | None = None
    safety_identifier: str | None = None

    @property
    def effort(self) -> str | None:
        """How hard to think, where the request says so."""
        return self.reasoning.effort if self.reasoning else None

    @property
    def items(self) -> list[Item]:
        """The input as items."""
        if isinstance(self.input, str):
            return [Item(role="user", content=self.input)]
        return self.input


def load(request: Request) -> Ask:
    """Return the body of a request; RequestError for what OpenAI would refuse."""
    asked = read(request, Ask)
    _check(asked.items, asked)
    return asked


def before(asked: Ask, world: World) -> tuple[Segment, ...]:
    """Return the conversation a request goes on from; RequestError when it was not kept."""
    if not asked.previous_response_id:
        return ()
    kept = world.conversations.get(asked.previous_response_id)
    if kept is None:
        raise RequestError(
            f"Previous response with id '{asked.previous_response_id}' not found.",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return kept


def _check(items: list[Item], asked: Ask) -> None:
    if not items:
        raise RequestError("'input' must not be empty.", param="input")
    called = {item.call_id for item in items if item.type == "function_call"}
    for item in items:
        known = item.call_id in called or asked.previous_response_id
        if item.type == "function_call_output" and not known:
            raise RequestError(
                f"No tool call found for function call output with call_id {item.call_id}.",
                param="input",
            )
    answered = {item.call_id for item in items if item.type == "function_call_output"}
    if called - answered:
        raise RequestError(
            f"No tool output found for function call {min(called - answered)}.", param="input"
        )


def question(asked: Ask, earlier: tuple[Segment, ...]) -> Question:
    """Return the request in the terms that decide its answer; `earlier` is what it goes on from."""
    choice, forced = _tool_choice(asked.tool_choice)
    offered = [(tool, shaped(tool, Offered)) for tool in asked.tools or ()]
    functions = [(tool, known) for tool, known in offered if known.type == "function"]
    offers = [segment(encode(tool).decode()) for tool, _ in functions]
    system = [segment(asked.instructions)] if asked.instructions else []
    users = [_text(item.content) for item in asked.items if item.role == "user"]
    return Question(
        model=asked.model,
        text=users[-1] if users else "",
        prompt=(*offers, *system, *earlier, *map(_segment, asked.items)),
        results=tuple(_results(asked.items)),
        tools=tuple(Tool(known.name, known.parameters or {}) for _, known in functions),
        tool_choice=choice,
        forced_tool=forced,
        parallel_calls=asked.parallel_tool_calls is not False,
        schema=_schema(asked.text),
        reasoning=asked.effort not in {None, "none", "minimal"} or habits.reasons(asked.model),
        max_tokens=asked.max_output_tokens,
    )


def _tool_choice(value: str | Json | None) -> tuple[ToolChoice, str]:
    if isinstance(value, dict):
        return "required", shaped(value, Offered).name
    return ("none" if value == "none" else "required" if value == "required" else "auto"), ""


def _text(content: str | list[Json] | None) -> str:
    if isinstance(content, list):
        return "\n".join(str(part["text"]) for part in content if part.get("text"))
    return content or ""


def _segment(item: Item) -> Segment:
    parts = item.content if isinstance(item.content, list) else []
    spoken = (_text(item.content), item.name + item.arguments, _text(item.output))
    return segment(
        "\n".join(text for text in spoken if text),
        images=sum(part.get("type") == "input_image" for part in parts),
        documents=sum(part.get("type") == "input_file" for part in parts),
    )


def _results(items: list[Item]) -> Iterator[ToolResult]:
    names = {item.call_id: item.name for item in items if item.type == "function_call"}
    ending = []
    for item in reversed(items):
        if item.type != "function_call_output":
            break
        ending.append(ToolResult(names.get(item.call_id, ""), _text(item.output)))
    yield from reversed(ending)


def _schema(text: Json | None) -> Json | None:
    wanted = shaped((text or {}).get("format") or {}, Format)
    return (wanted.schema or {}) if wanted.type in {"json_schema", "json_object"} else None


def kept(asked: Ask, earlier: tuple[Segment, ...], told: str) -> tuple[Segment, ...]:
    """Return the conversation as it stands after an answer."""
    return (*earlier, *map(_segment, asked.items), segment(told))
