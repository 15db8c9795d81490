"""What a request asks, whatever protocol it came in: the input of `answer.py`.

Each protocol file reads its own request into a `Question`. It keeps only what decides the answer
and its token counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelops.simulator import tokens

ToolChoice = Literal["auto", "none", "required"]
CacheLifetime = Literal["", "5m", "1h"]


class Tool(msgspec.Struct, frozen=True):
    """A function the model may call, with the JSON Schema of its arguments."""

    name: str
    schema: Mapping[str, Any]


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool answered."""

    name: str
    text: str


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the prompt: a tool definition, a system prompt, a message or a part of one.

    `tokens` counts the text and whatever is attached to it. `cache` says for how long the prompt
    up to here is to be cached, where the caller asks for it.
    """

    text: str
    tokens: int
    cache: CacheLifetime = ""


def segment(
    text: str = "", *, images: int = 0, documents: int = 0, cache: CacheLifetime = ""
) -> Segment:
    """Return a piece of a prompt with its tokens counted."""
    counted = tokens.count(text) + images * tokens.IMAGE_TOKENS
    return Segment(text=text, tokens=counted + documents * tokens.DOCUMENT_TOKENS, cache=cache)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A request in the terms that decide its answer.

    `text` is the last user message. `results` are the tool results the conversation ends with, if
    it does. `forced_tool` is the one function the caller insists on. `schema` is the JSON Schema
    the answer must fit, `{}` for any object, None for plain text. `max_tokens` None: no bound.
    """

    model: str
    text: str
    prompt: tuple[Segment, ...]
    results: tuple[ToolResult, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    forced_tool: str = ""
    parallel_calls: bool = True
    schema: Mapping[str, Any] | None = None
    reasoning: bool = False
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()

    @property
    def input_tokens(self) -> int:
        """Tokens of the whole prompt."""
        return sum(piece.tokens for piece in self.prompt)
