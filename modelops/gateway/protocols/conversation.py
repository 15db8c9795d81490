"""The canonical conversation: what every protocol can be read into and written from.

It holds what the protocols share, no more. A reader that meets something it has no place for here,
and a writer that meets something its protocol has no word for, raise CannotCarryError: nothing is
dropped on the way. Two exceptions, because they mean nothing elsewhere: hints that only change
price or speed (predictions), and another provider's reasoning. A cache mark is such a hint too:
`cache` keeps it as it came, and Anthropic's writer alone takes it up.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from modelops.metering.attempt import NO_USAGE, Usage

Origin = Literal["", "anthropic", "gemini"]
"""Whose signature a piece of reasoning carries: no other provider can check it."""

StopReason = Literal["stop", "stop_sequence", "length", "tools", "blocked"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Text(msgspec.Struct, frozen=True, gc=False):
    """Words."""

    text: str
    cache: Any = None


class Image(msgspec.Struct, frozen=True, gc=False):
    """A picture: base64 `data` of a `media_type`, or a `url`. `detail` is OpenAI's word, or ''."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    cache: Any = None


class Document(msgspec.Struct, frozen=True, gc=False):
    """A file to read: base64 `data` of a `media_type`, plain `text`, or a `url`."""

    media_type: str = ""
    data: str = ""
    text: str = ""
    url: str = ""
    name: str = ""
    cache: Any = None


class Reasoning(msgspec.Struct, frozen=True, gc=False):
    """What a model thought. `signature` proves it to its origin; `sealed` is thought not shown."""

    text: str = ""
    signature: str = ""
    sealed: str = ""
    origin: Origin = ""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call the model asks for. `arguments` is the JSON text of an object.

    `signature` is Gemini's, which wants it back with the call.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


class ToolResult(msgspec.Struct, frozen=True, gc=False):
    """What a called tool said."""

    id: str
    name: str
    parts: tuple[Text | Image | Document, ...]
    is_error: bool = False


Part = Text | Image | Document | Reasoning | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn. Tool results stand in user turns."""

    role: Literal["system", "user", "assistant"]
    parts: tuple[Part, ...]


class Tool(msgspec.Struct, frozen=True, gc=False):
    """A function the model may call. `parameters` is its JSON Schema, as it came."""

    name: str
    description: str = ""
    parameters: msgspec.Raw = msgspec.Raw(b"{}")
    strict: bool = False
    cache: Any = None


class ToolChoice(msgspec.Struct, frozen=True, gc=False):
    """Whether the model must call: `tool` names the one it must."""

    mode: Literal["auto", "none", "required", "tool"]
    name: str = ""


class Format(msgspec.Struct, frozen=True, gc=False):
    """What form the answer must have: any JSON object, or one that fits `schema`."""

    schema: msgspec.Raw | None = None
    name: str = "answer"
    strict: bool = True


class Thinking(msgspec.Struct, frozen=True, gc=False):
    """How much the model should reason: an effort, or a budget in tokens (0: as it sees fit).

    `optional`: whether it reasons at all is the model's to decide.
    """

    effort: Effort | None = None
    budget: int = 0
    optional: bool = False


class Conversation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A request. None: not said."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    stop: tuple[str, ...] = ()
    format: Format | None = None
    thinking: Thinking | None = None
    user: str = ""
    stream: bool = False


class Said(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A whole answer. `word` is its reason in the provider's own word, as the books keep it."""

    id: str
    model: str
    parts: tuple[Part, ...]
    reason: StopReason
    word: str
    stop_sequence: str | None = None
    usage: Usage = NO_USAGE


# Events of a streamed answer


class Begun(msgspec.Struct, frozen=True, gc=False):
    """The answer begins."""

    id: str
    model: str


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More words."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """More reasoning; a signature or a sealed thought comes whole."""

    text: str = ""
    signature: str = ""
    sealed: str = ""
    origin: Origin = ""


class ToolBegun(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins; `index` counts the calls of the answer from 0."""

    index: int
    id: str
    name: str
    signature: str = ""


class ArgumentsDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a call's arguments."""

    index: int
    text: str


class Stopped(msgspec.Struct, frozen=True, gc=False):
    """Why the answer ended; usage may still follow."""

    reason: StopReason
    stop_sequence: str | None = None


Event = Begun | TextDelta | ReasoningDelta | ToolBegun | ArgumentsDelta | Stopped


def leading_system(messages: tuple[Message, ...]) -> tuple[list[Message], list[Message]]:
    """Split the system messages a conversation begins with from the rest of it."""
    count = 0
    while count < len(messages) and messages[count].role == "system":
        count += 1
    return list(messages[:count]), list(messages[count:])
