"""What the lines of a YAML text are, as far as moving them needs to know; from libyaml's events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import yaml as pyyaml

from modelops.config.yaml import SOPS

_MARKS = (pyyaml.DocumentStartEvent, pyyaml.DocumentEndEvent)
_ENDS = (pyyaml.MappingEndEvent, pyyaml.SequenceEndEvent)
_VALUES = (pyyaml.ScalarEvent, pyyaml.MappingStartEvent, pyyaml.SequenceStartEvent)
_Loader = getattr(pyyaml, "CSafeLoader", pyyaml.SafeLoader)


class Layout(msgspec.Struct):
    """Lines and columns count from 0.

    `keys` are the places of the keys of block mappings; `inner` the lines on which a value that
    began above goes on; `verbatim` those of them in which spaces may count; `fixed` the lines of
    the sops block and of document marks.
    """

    keys: set[tuple[int, int]] = msgspec.field(default_factory=set)
    inner: set[int] = msgspec.field(default_factory=set)
    verbatim: set[int] = msgspec.field(default_factory=set)
    fixed: set[int] = msgspec.field(default_factory=set)


class _Open(msgspec.Struct):
    """A collection that has begun; `key_due` says that the next value in it is a key.

    `fixed_from` is the line of its key when nothing in it may be moved, else -1.
    """

    line: int
    flow: bool
    mapping: bool
    key_due: bool
    fixed_from: int


def layout(text: str) -> Layout:
    """Return the layout of a text that the strict loader has accepted."""
    known = Layout()
    opened: list[_Open] = []
    top_key = ("", 0)
    events: Iterable[Any] = pyyaml.parse(text, Loader=_Loader)
    for event in events:
        kind: type = type(event)
        line = event.start_mark.line
        if kind in _MARKS and event.explicit:
            known.fixed.add(line)
        elif kind in _ENDS:
            _close(known, opened.pop(), event)
        elif kind in _VALUES:
            if _is_key(opened) and not opened[-1].flow:
                known.keys.add((line, event.start_mark.column))
                top_key = (event.value, line) if len(opened) == 1 else top_key
            if kind is pyyaml.ScalarEvent:
                going_on = range(line + 1, _last_line(event) + 1)
                known.inner.update(going_on)
                known.verbatim.update(going_on)
            else:
                mapping = kind is pyyaml.MappingStartEvent
                fixed_from = top_key[1] if len(opened) == 1 and top_key[0] == SOPS else -1
                opened.append(_Open(line, bool(event.flow_style), mapping, mapping, fixed_from))
    return known


def _close(known: Layout, done: _Open, event: Any) -> None:
    if done.flow:
        known.inner.update(range(done.line + 1, event.end_mark.line + 1))
    if done.fixed_from >= 0:
        known.fixed.update(range(done.fixed_from, event.start_mark.line))


def _last_line(event: Any) -> int:
    """Return the line a scalar ends on; a literal's end is the start of the line below it."""
    end = event.end_mark
    line: int = end.line if end.column else max(end.line - 1, event.start_mark.line)
    return line


def _is_key(opened: list[_Open]) -> bool:
    """Say whether the value that begins now is a key, and note that the next one is not."""
    if not opened or not opened[-1].mapping:
        return False
    due = opened[-1].key_due
    opened[-1].key_due = not due
    return due
