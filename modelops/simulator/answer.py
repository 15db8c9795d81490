"""The deterministic answer to a question, as data that each protocol writes in its own form.

What decides the answer, in this order:

* Tools are offered and the conversation does not end with their results: the tool the caller
  insists on is called; with a required choice, the first one; otherwise each tool that the last
  user message names as `call NAME`, with arguments that fit its schema, or those that follow the
  name as a JSON object: `call get_weather {"city": "Paris"}`.
* A JSON Schema is asked for: an instance of it.
* The last user message says `write N words`, or the model is static: that many words, drawn by
  the seed.
* Otherwise a sentence that names the model and repeats the beginning of what was said, or what
  the tools answered.

Everything is cut at `max_tokens`, reasoning first, and text at the first stop string.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from modelops.simulator import static, tokens
from modelops.simulator.instances import instance
from modelops.simulator.question import Question, Tool

Stop = Literal["stop", "stop_string", "length", "tool_calls"]

ECHO_TOKENS = 24
"""How much of the last message an answer repeats."""

MAX_WORDS = 100_000
"""The most words one answer is written with."""

WORDS = (
    "amber",
    "bridge",
    "candle",
    "delta",
    "ember",
    "forest",
    "garden",
    "harbor",
    "island",
    "jasmine",
    "kettle",
    "lantern",
)

_CALL = re.compile(r"\bcall\s+(?:the\s+(?:tool|function)\s+)?[`'\"]?([A-Za-z0-9_.-]+)", re.I)
_WRITE = re.compile(r"\bwrite\s+(\d{1,6})\s+words?\b", re.I)


class ToolCall(msgspec.Struct, frozen=True):
    """A call the model makes; the protocol gives it an id."""

    name: str
    arguments: Mapping[str, Any]
    cut: str | None = None
    """What there is of the arguments where the limit fell within them."""

    @property
    def json(self) -> str:
        """The arguments as JSON text."""
        if self.cut is not None:
            return self.cut
        return msgspec.json.encode(self.arguments).decode()

    @property
    def tokens(self) -> int:
        """How many tokens the call costs: its name and its arguments as JSON."""
        return tokens.count(self.name) + tokens.count(self.json)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the model says: reasoning and text token by token, then calls.

    `stop_string` is the one that ended the text, when `stop` says so.
    """

    reasoning: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    cut_call: ToolCall | None = None
    stop: Stop = "stop"
    stop_string: str = ""

    @property
    def written_calls(self) -> tuple[ToolCall, ...]:
        """The calls as OpenAI gives them: with one that was cut, which others leave out."""
        return (*self.calls, self.cut_call) if self.cut_call is not None else self.calls

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of reasoning alone."""
        return len(self.reasoning)

    @property
    def output_tokens(self) -> int:
        """Tokens of everything, reasoning included."""
        return len(self.reasoning) + len(self.text) + sum(c.tokens for c in self.written_calls)


def answer(question: Question, seed: int) -> Answer:
    """Return the answer to a question; the same question and seed give the same answer."""
    reasoning = tokens.split(_reasoning(question)) if question.reasoning else []
    calls = _calls(question)
    text, stop_string = ("", "") if calls else _stopped(_text(question, seed), question.stop)
    whole = Answer(
        reasoning=tuple(reasoning),
        text=tuple(tokens.split(text)),
        calls=calls,
        stop="tool_calls" if calls else "stop_string" if stop_string else "stop",
        stop_string=stop_string,
    )
    return _cut(whole, question.max_tokens)


def _reasoning(question: Question) -> str:
    return f"The user wrote {tokens.count(question.text)} tokens. A short answer will do."


def _text(question: Question, seed: int) -> str:
    if question.schema is not None:
        return msgspec.json.encode(instance(question.schema or {"type": "object"})).decode()
    if question.results:
        told = "; ".join(f"{result.name}: {_echo(result.text)}" for result in question.results)
        return f"This is a simulated answer from {question.model}. The tools answered: {told}"
    words = _words_wanted(question)
    if words:
        chance = random.Random(f"{seed}/{question.text}")  # noqa: S311 - reproducible, not secret
        return " ".join(chance.choices(WORDS, k=min(words, MAX_WORDS)))
    return f"This is a simulated answer from {question.model}. You wrote: {_echo(question.text)}"


def _words_wanted(question: Question) -> int:
    fixed = static.shape(question.model)
    if fixed:
        return fixed[0]
    wanted = _WRITE.search(question.text)
    return int(wanted[1]) if wanted else 0


def _echo(text: str) -> str:
    # Splitting a bounded prefix: the message may be megabytes long.
    return "".join(tokens.split(text[: ECHO_TOKENS * 64])[:ECHO_TOKENS]).strip()


def _calls(question: Question) -> tuple[ToolCall, ...]:
    offered = {tool.name: tool for tool in question.tools}
    if not offered or question.results or question.tool_choice == "none":
        return ()
    if question.forced_tool in offered:
        return (_call(offered[question.forced_tool], question.text),)
    named = [name for name in dict.fromkeys(_CALL.findall(question.text)) if name in offered]
    if not named and question.tool_choice == "required":
        named = [question.tools[0].name]
    calls = tuple(_call(offered[name], question.text) for name in named)
    return calls if question.parallel_calls else calls[:1]


def _call(tool: Tool, text: str) -> ToolCall:
    given = re.search(rf"\bcall\s+{re.escape(tool.name)}\s+(?=\{{)", text, re.I)
    if given:
        try:
            arguments, _ = json.JSONDecoder().raw_decode(text, given.end())
        except ValueError:
            arguments = None
        if isinstance(arguments, dict):
            return ToolCall(tool.name, arguments)
    made = instance({"type": "object", **tool.schema})
    return ToolCall(tool.name, made if isinstance(made, dict) else {})


def _stopped(text: str, stops: tuple[str, ...]) -> tuple[str, str]:
    found = [(text.index(stop), stop) for stop in stops if stop and stop in text]
    if not found:
        return text, ""
    place, stop = min(found)
    return text[:place], stop


def _cut(whole: Answer, limit: int | None) -> Answer:
    if limit is None or whole.output_tokens <= limit:
        return whole
    reasoning = whole.reasoning[:limit]
    text = whole.text[: limit - len(reasoning)]
    room = limit - len(reasoning) - len(text)
    calls: list[ToolCall] = []
    cut: ToolCall | None = None
    for call in whole.calls:
        if call.tokens > room:
            left = room - tokens.count(call.name)
            if left > 0:
                cut = ToolCall(call.name, {}, "".join(tokens.split(call.json)[:left]))
            break
        room -= call.tokens
        calls.append(call)
    return Answer(reasoning=reasoning, text=text, calls=tuple(calls), cut_call=cut, stop="length")
