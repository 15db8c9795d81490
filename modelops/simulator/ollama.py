"""Ollama's own protocol: chat as lines of JSON, what is installed, which version."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from modelops.simulator import tokens as tokenizer
from modelops.simulator.answer import Answer, answer
from modelops.simulator.question import Question, Segment, Tool, ToolResult, segment
from modelops.simulator.vectors import embedding
from modelops.simulator.wire import (
    JSON_TYPE,
    NDJSON_TYPE,
    Request,
    RequestError,
    Response,
    Tokens,
    encode,
    read,
)
from modelops.simulator.world import World

VERSION = "0.12.3"
NS_PER_TOKEN = 10_000_000
"""How long the simulated machine takes for a token, in its own books."""

EMBEDDING_DIMENSIONS = 768

Json = dict[str, Any]


class Function(msgspec.Struct):
    """A function, as it is offered or as it was called."""

    name: str
    arguments: Json = {}
    parameters: Json | None = None


class Wrapped(msgspec.Struct):
    """A tool or a call around its function."""

    function: Function


class Message(msgspec.Struct):
    """A message of the conversation."""

    role: str
    content: str = ""
    images: list[str] | None = None
    tool_calls: list[Wrapped] | None = None
    tool_name: str = ""


class Options(msgspec.Struct):
    """Settings of the model."""

    num_predict: int | None = None
    stop: list[str] | str | None = None


class Chat(msgspec.Struct):
    """The body of a request; fields that do not change the answer are not listed."""

    model: str
    messages: list[Message] = []
    stream: bool | None = True
    tools: list[Wrapped] | None = None
    format: str | Json | None = None
    options: Options | None = None
    think: bool | str | None = None


class Embed(msgspec.Struct):
    """The body of an embedding request."""

    model: str
    input: str | list[str]
    dimensions: int | None = None


class Show(msgspec.Struct):
    """The body of a question about one model."""

    model: str


def chat(request: Request, world: World) -> Response:
    """Answer `POST /api/chat`."""
    asked = read(request, Chat)
    world.need_model(request.provider, asked.model)
    if any(
        message.role not in {"system", "user", "assistant", "tool"} for message in asked.messages
    ):
        raise RequestError("invalid role in messages")
    question = _question(asked)
    said = answer(question, world.seed)
    tokens = Tokens(
        input=question.input_tokens, output=said.output_tokens, reasoning=said.reasoning_tokens
    )
    moment = datetime.fromtimestamp(world.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    head = {"model": asked.model, "created_at": moment}
    response = Response(
        protocol="ollama",
        headers={"content-type": NDJSON_TYPE if asked.stream is not False else JSON_TYPE},
        model=asked.model,
        tokens=tokens,
    )
    if asked.stream is False:
        whole = {**head, "message": _message(said), **_ending(said, tokens)}
        return msgspec.structs.replace(response, body=encode(whole))
    frames = tuple(encode(line) + b"\n" for line in _lines(head, said, tokens))
    return msgspec.structs.replace(response, frames=frames)


def embed(request: Request, world: World) -> Response:
    """Answer `POST /api/embed`."""
    asked = read(request, Embed)
    world.need_model(request.provider, asked.model)
    inputs = [asked.input] if isinstance(asked.input, str) else asked.input
    length = asked.dimensions or EMBEDDING_DIMENSIONS
    used = sum(tokenizer.count(text) for text in inputs)
    vectors = [embedding(text, asked.model, length) for text in inputs]
    body = {"model": asked.model, "embeddings": vectors, "prompt_eval_count": used}
    return _plain(body, asked.model, Tokens(input=used))


def tags(request: Request, world: World) -> Response:
    """Answer `GET /api/tags`: the models that are installed."""
    listed = [{"name": model, "model": model} for model in world.models(request.provider)]
    return _plain({"models": listed})


def show(request: Request, world: World) -> Response:
    """Answer `POST /api/show`: what one model can do."""
    model = read(request, Show).model
    world.need_model(request.provider, model)
    info = {"general.architecture": "simulated", "simulated.context_length": 131_072}
    capabilities = ["completion", "tools", "thinking", "vision"]
    return _plain({"model_info": info, "capabilities": capabilities}, model)


def version(_request: Request, _world: World) -> Response:
    """Answer `GET /api/version`."""
    return _plain({"version": VERSION})


def _plain(body: Json, model: str = "", used: Tokens | None = None) -> Response:
    return Response(
        protocol="ollama",
        headers={"content-type": JSON_TYPE},
        body=encode(body),
        model=model,
        tokens=used or Tokens(),
    )


def _question(asked: Chat) -> Question:
    options = asked.options or Options()
    stop = [options.stop] if isinstance(options.stop, str) else options.stop or []
    users = [message.content for message in asked.messages if message.role == "user"]
    functions = [tool.function for tool in asked.tools or ()]
    offers = [segment(encode(function).decode()) for function in functions]
    limit = options.num_predict
    return Question(
        model=asked.model,
        text=users[-1] if users else "",
        prompt=(*offers, *map(_segment, asked.messages)),
        results=tuple(_results(asked.messages)),
        tools=tuple(Tool(function.name, function.parameters or {}) for function in functions),
        schema=_schema(asked.format),
        reasoning=bool(asked.think),
        max_tokens=limit if limit is not None and limit >= 0 else None,
        stop=tuple(stop),
    )


def _segment(message: Message) -> Segment:
    calls = [call.function for call in message.tool_calls or ()]
    spoken = [message.content, *(call.name + encode(call.arguments).decode() for call in calls)]
    return segment("\n".join(text for text in spoken if text), images=len(message.images or ()))


def _results(messages: list[Message]) -> Iterator[ToolResult]:
    called = [call.function.name for m in messages for call in m.tool_calls or ()]
    ending: list[Message] = []
    for message in reversed(messages):
        if message.role != "tool":
            break
        ending.insert(0, message)
    names = called[-len(ending) :] if ending else []
    for index, message in enumerate(ending):
        known = names[index] if index < len(names) else ""
        yield ToolResult(message.tool_name or known, message.content)


def _schema(wanted: str | Json | None) -> Json | None:
    if isinstance(wanted, dict):
        return wanted
    return {} if wanted == "json" else None


def _message(said: Answer) -> Json:
    message: Json = {"role": "assistant", "content": "".join(said.text)}
    if said.reasoning:
        message["thinking"] = "".join(said.reasoning)
    if said.calls:
        message["tool_calls"] = _calls(said)
    return message


def _calls(said: Answer) -> list[Json]:
    return [{"function": {"name": c.name, "arguments": dict(c.arguments)}} for c in said.calls]


def _lines(head: Json, said: Answer, tokens: Tokens) -> Iterator[Json]:
    def line(**message: Any) -> Json:
        return {**head, "message": {"role": "assistant", "content": "", **message}, "done": False}

    for token in said.reasoning:
        yield line(thinking=token)
    for token in said.text:
        yield line(content=token)
    if said.calls:
        yield line(tool_calls=_calls(said))
    yield {**line(), **_ending(said, tokens)}


def _ending(said: Answer, tokens: Tokens) -> Json:
    return {
        "done": True,
        "done_reason": "length" if said.stop == "length" else "stop",
        "total_duration": (tokens.input + tokens.output) * NS_PER_TOKEN,
        "load_duration": NS_PER_TOKEN,
        "prompt_eval_count": tokens.input,
        "prompt_eval_duration": tokens.input * NS_PER_TOKEN,
        "eval_count": tokens.output,
        "eval_duration": tokens.output * NS_PER_TOKEN,
    }
