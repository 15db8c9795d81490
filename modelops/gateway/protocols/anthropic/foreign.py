"""Takes other providers' reasoning out of a conversation that goes back to Anthropic.

A client keeps every answer as it came, whichever provider gave it. Anthropic takes only thoughts
that it signed itself and answers 400 to any other, so this is the one thing that a request which
otherwise passes byte for byte must lose. Nobody could use it there.
"""

from __future__ import annotations

from typing import Any

import msgspec

from modelops.gateway.protocols.anthropic.answer import FOREIGN

_SIGNS = (b'"signature":""', b'"signature": ""', b'"' + FOREIGN.encode())
"""What every body with such a thought contains; one without it is not looked at further."""

_DECODE = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_BLOCKS = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Kind(msgspec.Struct):
    """The part of a block that says what it is."""

    type: str = ""


class _Turn(msgspec.Struct):
    """The part of a turn that says whether it belongs to a tool loop."""

    role: str = ""
    content: str | list[_Kind] = ""


_TURNS = msgspec.json.Decoder(list[_Turn]).decode
_KIND = msgspec.json.Decoder(_Kind).decode
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


class _Block(_Kind):
    """The part of a block that says whose thought it is."""

    signature: str = ""
    data: str = ""


def without_foreign_thoughts(messages: msgspec.Raw) -> msgspec.Raw:
    """Return the messages of a request without what Anthropic did not think, else as they are."""
    content = bytes(messages)
    if not any(sign in content for sign in _SIGNS):
        return messages
    try:
        turns = _DECODE(messages)
        kept = [turn for turn in map(_turn, turns) if turn is not None]
    except (msgspec.DecodeError, RecursionError):
        return messages  # Anthropic says what is wrong with it
    return msgspec.Raw(msgspec.json.encode(kept))


def budget_refused(thinking: msgspec.Raw, messages: msgspec.Raw) -> bool:
    """Whether a budget for thinking is answered 400: in a tool loop that began without a thought.

    Another provider began it, whose thoughts Anthropic does not take. The budget has to go: the
    thinking of a loop is that of its first turn
    (https://platform.claude.com/docs/en/build-with-claude/thinking-tool-workflows).
    """
    try:
        if _KIND(thinking).type != "enabled" or b'"tool_result"' not in bytes(messages):
            return False
        turns = _TURNS(messages)
    except (msgspec.DecodeError, RecursionError):
        return False  # Anthropic says what is wrong with it
    first = ""
    for turn in reversed(turns):
        kinds = [] if isinstance(turn.content, str) else [block.type for block in turn.content]
        if turn.role == "assistant":
            first = kinds[0] if kinds else "text"
        elif "tool_result" not in kinds:
            break
    return first not in _THOUGHTS and bool(first)


def _turn(turn: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw] | None:
    """Return a turn without foreign thoughts, None when it was nothing else."""
    content = turn.get("content")
    if content is None or bytes(content)[:1] != b"[":
        return turn
    blocks = _BLOCKS(content)
    kept: list[Any] = [block for block in blocks if not _is_foreign(block)]
    if len(kept) == len(blocks):
        return turn
    return {**turn, "content": msgspec.Raw(msgspec.json.encode(kept))} if kept else None


def _is_foreign(raw: msgspec.Raw) -> bool:
    block = msgspec.json.decode(raw, type=_Block)
    if block.type == "thinking":
        return not block.signature
    return block.type == "redacted_thinking" and block.data.startswith(FOREIGN)
