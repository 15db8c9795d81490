"""OpenAI's responses, plain and streamed, with conversations kept on the server.

A stream is a numbered row of named events that ends with the whole response; there is no [DONE].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator import habits, openai_usage
from modelops.simulator.answer import Answer, answer
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
    reasoning: Json | None = None
    max_output_tokens: int | None = None
    store: bool | None = True
    stream: bool | None = False
    user: str | None = None
    safety_identifier: str | None = None

    @property
    def items(self) -> list[Item]:
        """The input as items."""
        if isinstance(self.input, str):
            return [Item(role="user", content=self.input)]
        return self.input


def respond(request: Request, world: World) -> Response:
    """Answer `POST /responses`."""
    asked = read(request, Ask)
    world.need_model(request.provider, asked.model)
    items = (
        [Item(role="user", content=asked.input)] if isinstance(asked.input, str) else asked.input
    )
    before = _before(asked, world)
    _check(items, asked)
    question = _question(asked, items, before)
    said = answer(question, world.seed)
    tokens = Tokens(
        input=question.input_tokens,
        output=said.output_tokens,
        cache_read=world.cache.automatic(request.provider, question).read,
        reasoning=said.reasoning_tokens,
    )
    whole = _whole(asked, said, tokens, world)
    if asked.store is not False:
        told = segment("".join(said.text) + "".join(call.name + call.json for call in said.calls))
        world.keep_conversation(whole["id"], (*before, *map(_segment, items), told))
    response = Response(
        protocol="openai",
        headers={"content-type": SSE_TYPE if asked.stream else JSON_TYPE},
        model=asked.model,
        user=asked.safety_identifier or asked.user or "",
        tokens=tokens,
    )
    if asked.stream:
        return msgspec.structs.replace(response, frames=tuple(_frames(whole, said)))
    return msgspec.structs.replace(response, body=encode(whole))


def _before(asked: Ask, world: World) -> tuple[Segment, ...]:
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


def _question(asked: Ask, items: list[Item], before: tuple[Segment, ...]) -> Question:
    choice, forced = _tool_choice(asked.tool_choice)
    tools = [tool for tool in asked.tools or () if tool.get("type") == "function"]
    offers = [segment(encode(tool).decode()) for tool in tools]
    system = [segment(asked.instructions)] if asked.instructions else []
    users = [_text(item.content) for item in items if item.role == "user"]
    effort = (asked.reasoning or {}).get("effort")
    return Question(
        model=asked.model,
        text=users[-1] if users else "",
        prompt=(*offers, *system, *before, *map(_segment, items)),
        results=tuple(_results(items)),
        tools=tuple(Tool(str(tool["name"]), tool.get("parameters") or {}) for tool in tools),
        tool_choice=choice,
        forced_tool=forced,
        parallel_calls=asked.parallel_tool_calls is not False,
        schema=_schema(asked.text),
        reasoning=effort not in {None, "none", "minimal"} or habits.reasons(asked.model),
        max_tokens=asked.max_output_tokens,
    )


def _tool_choice(value: str | Json | None) -> tuple[ToolChoice, str]:
    if isinstance(value, dict):
        return "required", str(value.get("name", ""))
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
    described = (text or {}).get("format") or {}
    if described.get("type") == "json_schema":
        return dict(described.get("schema") or {})
    return {} if described.get("type") == "json_object" else None


def _whole(asked: Ask, said: Answer, tokens: Tokens, world: World) -> Json:
    cut = said.stop == "length"
    return {
        "id": world.new_id("resp_"),
        "object": "response",
        "created_at": world.now(),
        "status": "incomplete" if cut else "completed",
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": asked.instructions,
        "max_output_tokens": asked.max_output_tokens,
        "metadata": {},
        "model": asked.model,
        "output": _output(said, world),
        "parallel_tool_calls": asked.parallel_tool_calls is not False,
        "previous_response_id": asked.previous_response_id,
        "reasoning": {"effort": (asked.reasoning or {}).get("effort"), "summary": None},
        "service_tier": "default",
        "store": asked.store is not False,
        "temperature": 1.0,
        "text": asked.text or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": asked.tool_choice or "auto",
        "tools": asked.tools or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": openai_usage.responses(tokens),
        "user": asked.user,
    }


def _output(said: Answer, world: World) -> list[Json]:
    items: list[Json] = []
    if said.reasoning:
        items.append({"id": world.new_id("rs_"), "type": "reasoning", "summary": []})
    status = "incomplete" if said.stop == "length" else "completed"
    if said.text:
        part = {
            "type": "output_text",
            "annotations": [],
            "logprobs": [],
            "text": "".join(said.text),
        }
        message = {"id": world.new_id("msg_"), "type": "message", "role": "assistant"}
        items.append({**message, "status": status, "content": [part]})
    for call in said.calls:
        made = {"id": world.new_id("fc_"), "type": "function_call", "status": "completed"}
        made |= {"call_id": world.new_id("call_"), "name": call.name, "arguments": call.json}
        items.append(made)
    return items


def _frames(whole: Json, said: Answer) -> Iterator[bytes]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    begun["incomplete_details"] = None
    events = [
        ("response.created", {"response": begun}),
        ("response.in_progress", {"response": begun}),
        *(
            event
            for index, item in enumerate(whole["output"])
            for event in _item(index, item, said)
        ),
        (f"response.{whole['status']}", {"response": whole}),
    ]
    for number, (name, fields) in enumerate(events):
        yield sse({"type": name, **fields, "sequence_number": number}, name)


_OPENED: dict[str, Json] = {
    "message": {"content": [], "status": "in_progress"},
    "function_call": {"arguments": "", "status": "in_progress"},
}


def _item(index: int, item: Json, said: Answer) -> Iterator[tuple[str, Json]]:
    place = {"output_index": index}
    opened = {**item, **_OPENED.get(item["type"], {})}
    yield "response.output_item.added", {**place, "item": opened}
    inside = {**place, "item_id": item["id"]}
    if item["type"] == "message":
        yield from _message_events({**inside, "content_index": 0}, item["content"][0], said)
    elif item["type"] == "function_call":
        text = item["arguments"]
        for start in range(0, len(text), 12):
            piece = {**inside, "delta": text[start : start + 12]}
            yield "response.function_call_arguments.delta", piece
        done = {**inside, "name": item["name"], "arguments": text}
        yield "response.function_call_arguments.done", done
    yield "response.output_item.done", {**place, "item": item}


def _message_events(inside: Json, part: Json, said: Answer) -> Iterator[tuple[str, Json]]:
    yield "response.content_part.added", {**inside, "part": {**part, "text": ""}}
    for token in said.text:
        yield "response.output_text.delta", {**inside, "delta": token, "logprobs": []}
    yield "response.output_text.done", {**inside, "text": part["text"], "logprobs": []}
    yield "response.content_part.done", {**inside, "part": part}
