"""OpenAI's responses, plain and streamed, with conversations kept on the server.

A stream is a numbered row of named events that ends with the whole response; there is no [DONE].
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.answer import Answer, answer
from modelops.simulator.openai import responses_request
from modelops.simulator.openai import usage as openai_usage
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

Json = dict[str, Any]


def respond(request: Request, world: World) -> Response:
    """Answer `POST /responses`."""
    asked = responses_request.load(request)
    world.need_model(request.provider, asked.model)
    earlier = responses_request.before(asked, world)
    question = responses_request.question(asked, earlier)
    said = answer(question, world.seed)
    tokens = Tokens(
        input=question.input_tokens,
        output=said.output_tokens,
        cache_read=world.cache.automatic(request.provider, question).read,
        reasoning=said.reasoning_tokens,
    )
    whole = _whole(asked, said, tokens, world)
    if asked.store is not False:
        told = "".join(said.text) + "".join(call.name + call.json for call in said.written_calls)
        kept = responses_request.kept(asked, earlier, told)
        world.keep_conversation(whole["id"], kept)
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


def _whole(asked: responses_request.Ask, said: Answer, tokens: Tokens, world: World) -> Json:
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
        "reasoning": {"effort": asked.effort, "summary": None},
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
    for call in said.written_calls:
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
