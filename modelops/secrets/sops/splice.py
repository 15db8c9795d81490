"""Edits of a user's YAML text that touch one value or the `sops:` block and nothing else.

sops writes a file anew, with its own indentation and comments moved. So its ciphertext is put into
the text the user wrote instead. Positions come from libyaml's events; the text has passed the
strict loader, so anchors, tags and duplicate keys need no thought here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import yaml

SOPS = "sops"
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Path = tuple[str | int, ...]


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Where an entry stands, as offsets into the text.

    `key_start` and `key_end` enclose the key (the item itself, in a list), `start` and `end` the
    value up to its last character. `column` is that of the key, `flow` says whether the entry lies
    inside braces or brackets.
    """

    key_start: int
    key_end: int
    start: int
    end: int
    column: int
    flow: bool


class _Open:
    """A collection whose end has not been met."""

    __slots__ = ("count", "flow", "is_mapping", "key", "path", "span_key", "start")

    def __init__(self, path: Path, event: Any, flow: bool, span_key: Any) -> None:
        self.path = path
        self.is_mapping = isinstance(event, yaml.MappingStartEvent)
        self.flow = flow or bool(event.flow_style)
        self.start: int = _start(event)
        self.span_key = span_key
        self.key: Any = None
        self.count = 0


def spans(text: str) -> dict[Path, Span]:
    """Return the span of every entry of a text by its path."""
    found: dict[Path, Span] = {}
    stack: list[_Open] = []
    last_end = 0
    events: Iterable[Any] = yaml.parse(text, Loader=_Loader)
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            parent = stack[-1] if stack else None
            last_end = max(last_end, _end(event))
            if parent and parent.is_mapping and parent.key is None:
                parent.key = event
            elif parent:
                path, key = _take(parent, event)
                found[path] = _span(key, _start(event), _end(event), parent.flow)
        elif isinstance(event, yaml.CollectionStartEvent):
            path, key = _take(stack[-1], event) if stack else ((), event)
            stack.append(_Open(path, event, bool(stack) and stack[-1].flow, key))
        elif isinstance(event, yaml.CollectionEndEvent):
            done = stack.pop()
            if _end(event) > _start(event):  # a brace; a block has no end mark
                last_end = _end(event)
            outer = stack[-1].flow if stack else False
            found[done.path] = _span(done.span_key, done.start, last_end, outer)
    return found


def _start(event: Any) -> int:
    start: int = event.start_mark.index
    return start


def _end(event: Any) -> int:
    end: int = event.end_mark.index
    return end


def _take(parent: _Open, event: Any) -> tuple[Path, Any]:
    """Return path and key of the value that starts here."""
    if parent.is_mapping:
        key, parent.key = parent.key, None
        return (*parent.path, key.value), key
    parent.count += 1
    return (*parent.path, parent.count - 1), event


def _span(key: Any, start: int, end: int, flow: bool) -> Span:
    mark = key.start_mark
    return Span(
        key_start=mark.index,
        key_end=key.end_mark.index,
        start=start,
        end=end,
        column=mark.column,
        flow=flow,
    )


def with_value(text: str, path: Path, value: str, after: Sequence[str]) -> str:
    """Return the text with a value at a path, the rest as it was.

    A new key is put below the last of its siblings named in `after`. `value` is a string without
    line breaks; it is quoted where the place asks for it. ValueError when there is no such place.
    """
    known = spans(text)
    span = known.get(path)
    if span is not None:
        written = _scalar(value, flow=span.flow)
        colon = text.index(":", span.key_end) + 1
        if span.start == span.end or not text[colon : span.start].strip():
            end = max(colon, _last_character(text, span.end))
            return f"{text[:colon]} {written}{text[end:]}"
        return text[: span.start] + written + text[span.end :]  # a comment stands in between
    siblings = [known[(*path[:-1], name)] for name in after if (*path[:-1], name) in known]
    if not siblings:
        raise ValueError(f"there is no place for {path[-1]}")
    neighbor = max(siblings, key=lambda sibling: sibling.key_start)
    if neighbor.flow:
        addition = f", {path[-1]}: {_scalar(value, flow=True)}"
        return text[: neighbor.end] + addition + text[neighbor.end :]
    end = _line_end(text, neighbor.end)
    line = f"{' ' * neighbor.column}{path[-1]}: {_scalar(value, flow=False)}"
    return f"{text[:end]}{_line_break(text)}{line}{text[end:]}"


def with_block(text: str, source: str) -> str:
    """Return the text with the `sops:` block of another text, in place of its own or at the end.

    Where only single values of it differ, only they are written, whatever the indentation.
    """
    block = _block(source)
    if block is None:
        raise ValueError("the text to take the sops block from has none")
    own = _block(text)
    if own is None:
        ended = text if text.endswith("\n") or not text else text + _line_break(text)
        return f"{ended}{_new_block(text, source[slice(*block)])}{_line_break(text)}"
    changes = _changed_values(text, source)
    if changes is None:
        return text[: own[0]] + _new_block(text, source[slice(*block)]) + text[own[1] :]
    for start, end, value in sorted(changes, reverse=True):
        text = text[:start] + value + text[end:]
    return text


def _changed_values(text: str, source: str) -> list[tuple[int, int, str]] | None:
    """Return which parts of a text's block to write anew; None when the blocks differ in more."""
    old, new = (
        {path: span for path, span in spans(of).items() if path[:1] == (SOPS,) and len(path) > 1}
        for of in (text, source)
    )
    if old.keys() != new.keys():
        return None
    collections = {path[:-1] for path in new}
    changes = []
    for path, span in new.items():
        before, after = text[old[path].start : old[path].end], source[span.start : span.end]
        if path in collections or before.split() == after.split():
            continue
        if "\n" in before.strip() or "\n" in after.strip():
            return None
        changes.append((old[path].start, old[path].end, after))
    return changes


def _new_block(text: str, block: str) -> str:
    """Return a block with the line breaks of the text it is put into."""
    return block.replace("\n", _line_break(text))


def _line_break(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _block(text: str) -> tuple[int, int] | None:
    span = spans(text).get((SOPS,))
    return (span.key_start, _last_character(text, span.end)) if span else None


def _last_character(text: str, end: int) -> int:
    """Return the end of what stands before an offset, line breaks aside."""
    return len(text[:end].rstrip("\r\n"))


def _line_end(text: str, offset: int) -> int:
    """Return where the line of an offset ends, its line break excluded."""
    end = text.find("\n", offset)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end


def _scalar(value: str, *, flow: bool) -> str:
    """Return ciphertext bare, as sops writes it, and quoted where brackets would end it."""
    bare = value.startswith("ENC[") and not flow
    return value if bare else msgspec.json.encode(value).decode()
