"""Reads a request in Gemini's generateContent protocol, and refuses what Gemini refuses.

The checks are those that a wrong translation from another protocol would run into: roles, function
responses without their calls, and the thought signatures that Gemini 3 wants back.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelops.simulator.question import (
    Question,
    Segment,
    Tool,
    ToolChoice,
    ToolResult,
    segment,
)
from modelops.simulator.wire import Request, RequestError, encode, read, shaped

Json = dict[str, Any]

VERBATIM = frozenset({"args", "response", "parameters", "responseSchema"}) | {
    "parametersJsonSchema",
    "responseJsonSchema",
}
"""Fields whose content is the caller's own: its keys are not respelled."""

UNSIGNED = frozenset({"skip_thought_signature_validator", "context_engineering_is_the_way_to_go"})
"""Signatures that Google documents for calls which another model made."""

THINKING = ("gemini-2.5", "gemini-3")
"""Beginnings of names of models that think unless they are told not to."""

SIGNING = ("gemini-3",)
"""Beginnings of names of models that want their signatures back."""


class FunctionCall(msgspec.Struct):
    """A call the model made."""

    name: str
    args: Json | None = None


class FunctionResponse(msgspec.Struct):
    """What a function answered."""

    name: str
    response: Json = {}


class Declaration(msgspec.Struct, rename="camel", omit_defaults=True):
    """A function the caller offers."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    parameters_json_schema: Json | None = None


class ToolGroup(msgspec.Struct, rename="camel"):
    """Functions, or a tool that Google runs itself."""

    function_declarations: list[Declaration] | None = None


class Calling(msgspec.Struct, rename="camel"):
    """Whether functions may, must or must not be called."""

    mode: str = "AUTO"
    allowed_function_names: list[str] | None = None


class ToolConfig(msgspec.Struct, rename="camel"):
    """How tools are to be used."""

    function_calling_config: Calling | None = None


class Part(msgspec.Struct, rename="camel"):
    """A part of a turn."""

    text: str | None = None
    thought: bool = False
    thought_signature: str = ""
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: Json | None = None
    file_data: Json | None = None


class Content(msgspec.Struct):
    """A turn."""

    parts: list[Part] = []
    role: str = "user"


class ThinkingConfig(msgspec.Struct, rename="camel"):
    """How much to think, and whether to show it."""

    include_thoughts: bool | None = None
    thinking_budget: int | None = None


class GenerationConfig(msgspec.Struct, rename="camel"):
    """How to answer."""

    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Json | None = None
    response_json_schema: Json | None = None
    thinking_config: ThinkingConfig | None = None


class Generate(msgspec.Struct, rename="camel"):
    """The body of a request; fields that do not change the answer are not listed."""

    contents: list[Content] = []
    system_instruction: Content | None = None
    tools: list[ToolGroup] | None = None
    tool_config: ToolConfig | None = None
    generation_config: GenerationConfig | None = None

    @property
    def config(self) -> GenerationConfig:
        """How to answer; empty when the request says nothing."""
        return self.generation_config or GenerationConfig()

    @property
    def shows_thoughts(self) -> bool:
        """Whether the caller wants to read the thinking."""
        thinking = self.config.thinking_config
        return thinking is not None and bool(thinking.include_thoughts)


def model_of(request: Request) -> str:
    """Return the model that a path such as `models/gemini-2.5-flash:generateContent` names."""
    return request.path.removeprefix("models/").rpartition(":")[0]


def load(request: Request) -> Generate:
    """Return the body of a request; RequestError for what Gemini would refuse."""
    asked = shaped(_camel(read(request, Json)), Generate)
    if not asked.contents:
        raise RequestError("* GenerateContentRequest.contents: contents is not specified\n")
    _check_turns(asked.contents)
    if model_of(request).startswith(SIGNING):
        _check_signatures(asked.contents)
    return asked


def question(asked: Generate, model: str) -> Question:
    """Return the request in the terms that decide its answer."""
    choice, forced = _tool_choice(asked.tool_config)
    offers = [offer for group in asked.tools or () for offer in group.function_declarations or ()]
    texts = [_text(turn) for turn in asked.contents if turn.role == "user" and _text(turn)]
    return Question(
        model=model,
        text=texts[-1] if texts else "",
        prompt=tuple(_prompt(asked, offers)),
        results=tuple(_results(asked.contents[-1])),
        tools=tuple(Tool(offer.name, _parameters(offer)) for offer in offers),
        tool_choice=choice,
        forced_tool=forced,
        schema=_schema(asked.config),
        reasoning=_thinks(asked.config, model),
        max_tokens=asked.config.max_output_tokens,
        stop=tuple(asked.config.stop_sequences or ()),
    )


def signature(name: str) -> str:
    """Return the signature that a call of this function must bring back."""
    digest = hashlib.sha256(b"simulated thought\0" + name.encode()).digest()
    return base64.b64encode(digest).decode()


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = {re.sub(r"_([a-z])", lambda m: m[1].upper(), key): key for key in value}
    return {
        name: value[key] if name in VERBATIM else _camel(value[key])
        for name, key in spelled.items()
    }


def _check_turns(turns: list[Content]) -> None:
    called: list[str] = []
    for turn in turns:
        if turn.role not in {"user", "model", "function"}:
            raise RequestError("Please use a valid role: user, model.")
        answered = [part for part in turn.parts if part.function_response is not None]
        if len(answered) != len(called):
            raise RequestError(
                "Please ensure that the number of function response parts is equal to the number "
                "of function call parts of the function call turn."
            )
        called = [part.function_call.name for part in turn.parts if part.function_call]


def _check_signatures(turns: list[Content]) -> None:
    asked = [i for i, turn in enumerate(turns) if turn.role == "user" and _text(turn)]
    for turn in turns[asked[-1] if asked else 0 :]:
        first = next((part for part in turn.parts if part.function_call), None)
        if first is None or first.function_call is None:
            continue
        name = first.function_call.name
        if not first.thought_signature:
            raise RequestError(
                f"Function call is missing a thought_signature in functionCall parts: {name}. "
                "This is required for tools to work correctly."
            )
        signed = first.thought_signature.replace("-", "+").replace("_", "/")
        if first.thought_signature not in UNSIGNED and signed != signature(name):
            raise RequestError("Thought signature is not valid.")


def _tool_choice(config: ToolConfig | None) -> tuple[ToolChoice, str]:
    calling = (config and config.function_calling_config) or Calling()
    names = calling.allowed_function_names or []
    match calling.mode:
        case "ANY":
            return "required", names[0] if len(names) == 1 else ""
        case "NONE":
            return "none", ""
        case _:
            return "auto", ""


def _parameters(offer: Declaration) -> Json:
    return offer.parameters or offer.parameters_json_schema or {}


def _text(turn: Content) -> str:
    return "\n".join(part.text for part in turn.parts if part.text and not part.thought)


def _prompt(asked: Generate, offers: list[Declaration]) -> Iterator[Segment]:
    for offer in offers:
        yield segment(encode(offer).decode())
    system = [asked.system_instruction] if asked.system_instruction else []
    for turn in [*system, *asked.contents]:
        yield from map(_segment, turn.parts)


def _segment(part: Part) -> Segment:
    if part.function_call:
        called = part.function_call
        return segment(called.name + encode(called.args or {}).decode())
    if part.function_response:
        return segment(_result(part.function_response))
    attached = part.inline_data or part.file_data
    if attached:
        document = not str(attached.get("mimeType", "")).startswith("image/")
        return segment(images=not document, documents=document)
    return segment(part.text or "")


def _result(answered: FunctionResponse) -> str:
    response = answered.response
    if len(response) == 1:
        only = next(iter(response.values()))
        if isinstance(only, str):
            return only
    return encode(response).decode()


def _results(turn: Content) -> Iterator[ToolResult]:
    for part in turn.parts:
        answered = part.function_response
        if answered is not None:
            yield ToolResult(answered.name, _result(answered))


def _schema(config: GenerationConfig) -> Json | None:
    if config.response_json_schema or config.response_schema:
        return dict(config.response_json_schema or config.response_schema or {})
    return {} if config.response_mime_type == "application/json" else None


def _thinks(config: GenerationConfig, model: str) -> bool:
    budget = config.thinking_config.thinking_budget if config.thinking_config else None
    return bool(budget) if budget is not None else model.startswith(THINKING)
