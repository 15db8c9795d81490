"""One layout for every file: two spaces a level, single blank lines, no trailing space.

Works on lines and moves white space only. Keys keep their order, because the MAC of an encrypted
file covers it, and the `sops:` block is not touched at all. No other character of a file changes:
that is checked at the end, together with its meaning, so a layout this does not understand is an
error and never a changed configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from modelops.config import yaml
from modelops.config.diagnostics import InvalidConfigurationError
from modelops.config.lines import Layout, layout
from modelops.config.report.document import Report
from modelops.resources.errors import ModelopsError

STEP = 2
"""Spaces by which a level is indented."""

_DASH = re.compile(r"-( +|$)")


def format_text(text: str, file: str) -> str:
    """Return a file's text in the one layout; InvalidConfigurationError when it is not YAML."""
    before = yaml.load_text(text, file)
    if before.diagnostics:
        raise InvalidConfigurationError(Report(folder=file, diagnostics=tuple(before.diagnostics)))
    formatted = _formatted(text.replace("\r\n", "\n"))
    after = yaml.load_text(formatted, file)
    same = after.data == before.data and after.sops == before.sops
    if after.diagnostics or not same or formatted.split() != text.split():
        raise ModelopsError(
            f"{file} has a layout that fmt does not understand; it was left as it is",
            "write every key and the beginning of its value on one line",
        )
    return formatted


class _Level(msgspec.Struct, frozen=True):
    """A block mapping or sequence that is open: its column as written, and as it will be."""

    kind: Literal["map", "seq"]
    old: int
    new: int


class _Line(msgspec.Struct, frozen=True):
    """A line with its column as written and as it will be, and what it is.

    An `entry` begins a key, an item or a value; `inner` goes on with the value of the entry before;
    `loose` is blank or a comment; `fixed` stays as it is. `levels` are open after an entry.
    """

    kind: Literal["entry", "inner", "loose", "fixed"]
    text: str
    old: int = 0
    new: int = 0
    levels: tuple[_Level, ...] = ()


def _formatted(text: str) -> str:
    lines = _placed_loose(list(_lines(text)))
    while lines and lines[-1].kind == "loose" and not lines[-1].text:
        lines.pop()
    written: list[str] = []
    for line in lines:
        if line.kind == "fixed":
            written.append(line.text)
        elif line.text:
            written.append(" " * line.new + line.text)
        elif line.kind == "inner" or (written and written[-1]):
            written.append("")
    in_value = lines[-1].kind == "inner" and not text.endswith("\n")
    return "\n".join(written) + ("" if in_value else "\n")


def _lines(text: str) -> Iterator[_Line]:
    """Yield every line; those that are loose are not placed yet."""
    known = layout(text)
    levels: list[_Level] = []
    shift = 0
    for number, line in enumerate(text.split("\n")):
        stripped = line.lstrip(" ")
        column = len(line) - len(stripped)
        if number in known.fixed:
            yield _Line("fixed", line)
        elif number in known.inner:
            ended = stripped if number in known.verbatim else stripped.rstrip()
            yield _Line("inner", ended, column, max(column + shift, 0))
        elif not stripped or stripped.startswith("#"):
            yield _Line("loose", stripped.rstrip(), column, column)
        else:
            entry = _entry(number, column, stripped, known, levels)
            shift = (levels[-1].new - levels[-1].old) if levels else -column
            yield entry


def _entry(number: int, column: int, text: str, known: Layout, levels: list[_Level]) -> _Line:
    """Return the line of an entry, and leave in `levels` what is open after it."""
    dash = _DASH.match(text)
    while levels and (
        levels[-1].old > column
        or (levels[-1].old == column and levels[-1].kind == "seq" and not dash)
    ):
        levels.pop()
    start = column
    new = _enter(levels, "seq" if dash else "map", column, known, number)
    dashes = ""
    while dash:
        dashes += "- "
        start += dash.end()
        text = text[dash.end() :]
        dash = _DASH.match(text)
        if dash or (number, start) in known.keys:
            _enter(levels, "seq" if dash else "map", start, known, number)
    ended = text if number + 1 in known.verbatim else text.rstrip()
    return _Line("entry", (dashes + ended).rstrip(" ") if not ended else dashes + ended,
                 column, new, tuple(levels))  # fmt: skip


def _enter(
    levels: list[_Level], kind: Literal["map", "seq"], column: int, known: Layout, number: int
) -> int:
    """Open a level at a column unless it is open, and return where the column will be."""
    if levels and (levels[-1].kind, levels[-1].old) == (kind, column):
        return levels[-1].new
    new = levels[-1].new + STEP if levels else 0
    if kind == "seq" or (number, column) in known.keys:
        levels.append(_Level(kind, column, new))
    return new


def _placed_loose(lines: list[_Line]) -> list[_Line]:
    """Place comments: with the entry below them, else with the level above that they line up with.

    A comment that lines up with nothing moves as the entry below does.
    """
    placed = list(lines)
    below: _Line | None = None
    above = _levels_above(lines)
    for index in range(len(lines) - 1, -1, -1):
        line = lines[index]
        if line.kind == "loose" and line.text:
            placed[index] = msgspec.structs.replace(
                line, new=_column(line.old, above[index], below)
            )
        elif line.kind in ("entry", "fixed"):
            below = line
    return placed


def _levels_above(lines: list[_Line]) -> list[tuple[_Level, ...]]:
    levels: tuple[_Level, ...] = ()
    above = []
    for line in lines:
        above.append(levels)
        if line.kind == "entry":
            levels = line.levels
    return above


def _column(old: int, above: tuple[_Level, ...], below: _Line | None) -> int:
    if below and below.old == old:
        return below.new
    for level in reversed(above):
        if level.old == old:
            return level.new
    reference = (below.new - below.old) if below else 0
    return max(old + reference, 0)
