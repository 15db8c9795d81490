"""Strict YAML with the position of every value: the one way a file enters the config road.

Driven by libyaml's events and not by PyYAML's constructors: 100 kB of `[` kills a process that
composes nodes recursively, tags can name Python types, and positions are lost on the way. Marks are
kept beside the data, in a tree of the same shape, and turned into positions only when asked for.
Accepts whatever `sops` writes; its block is split off and kept as data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import yaml
from yaml import events

from modelops.config import rules, scalars, text
from modelops.config.diagnostics import found
from modelops.config.rules import Rule
from modelops.resources.configuration import Diagnostic, Position

MAX_DEPTH = 64
MAX_VALUES = 200_000
SOPS = "sops"
"""Top-level key under which SOPS keeps recipients and MAC."""

Path = Sequence[str | int]
"""Where a value stands in its document: keys and indexes from the root."""

Marks: TypeAlias = "dict[str, Entry] | list[Entry] | None"
Entry: TypeAlias = "tuple[Any, Any, Marks]"
"""libyaml's marks of a key (or of the item itself, in a list) and of its value, and what is below.
"""

# libyaml where PyYAML was built with it (every wheel is), else the same events from Python
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """One file, loaded: plain data with Decimals for fractions, and what is wrong with it.

    `data` is what could be read, so with diagnostics it is not to be relied on; `complete` says
    whether reading got to the end. `sops` is the file's SOPS block, or None.
    """

    __slots__ = ("complete", "data", "diagnostics", "file", "marks", "root", "sops", "text")

    def __init__(self, file: str, content: str = "") -> None:
        self.file = file
        self.text = content
        self.complete = False
        self.data: object = None
        self.sops: Mapping[str, object] | None = None
        self.marks: Marks = None
        self.root: Any = None
        self.diagnostics: list[Diagnostic] = []

    def position(self, path: Path = (), *, key: bool = False) -> Position:
        """Return where the value at a path stands (its key, if asked), or the nearest above it."""
        mark, marks = self.root, self.marks
        for step in path:
            entry = _entry(marks, step)
            if entry is None:
                break
            mark, marks = entry[0 if key else 1], entry[2]
        return _position(self.file, mark) if mark is not None else Position(self.file, 1, 1)

    def has(self, path: Path) -> bool:
        """Say whether a value is written at a path."""
        marks = self.marks
        for step in path:
            entry = _entry(marks, step)
            if entry is None:
                return False
            marks = entry[2]
        return True


def load(raw: bytes, file: str) -> Document:
    """Return the document in the bytes of a file; what is wrong with it is in `diagnostics`."""
    decoded = text.decode(raw, file)
    if isinstance(decoded, Diagnostic):
        document = Document(file)
        document.diagnostics.append(decoded)
        return document
    return load_text(decoded, file)


def load_text(content: str, file: str) -> Document:
    """Return the document in a text that `text.decode` let through."""
    builder = _Builder(Document(file, content))
    parser = _Parser(content)
    try:
        builder.run(parser)
        builder.document.complete = True
    except yaml.MarkedYAMLError as error:
        builder.report(
            rules.YAML_SYNTAX,
            error.problem_mark or error.context_mark,
            error.problem or "this is not YAML",
            error.context or "",
        )
    except yaml.YAMLError as error:
        builder.report(rules.YAML_SYNTAX, None, str(error).partition("\n")[0])
    except _StopError:
        pass  # reported where it was raised
    finally:
        parser.dispose()
    return builder.finish()


class _StopError(Exception):
    """Reading on makes no sense: the rest of the file would be misread, or is too much."""


class _Builder:
    """Builds data and marks from events, with a stack of its own instead of recursion."""

    __slots__ = ("_count", "_data", "_key", "_key_mark", "_marks", "_root", "_stack", "document")

    def __init__(self, document: Document) -> None:
        self.document = document
        self._root: object = None
        self._data: dict[str, object] | list[object] | None = None
        self._marks: Any = None
        self._key: str | None = None
        self._key_mark: Any = None
        self._stack: list[tuple[Any, Any, str | None, Any]] = []
        self._count = 0

    def run(self, parser: Any) -> None:
        """Take every event of one document."""
        documents = 0
        while True:
            event = parser.get_event()
            kind = type(event)
            if kind is events.ScalarEvent:
                self._scalar(event)
            elif kind is events.MappingStartEvent:
                self._open(event, {}, {})
            elif kind is events.SequenceStartEvent:
                self._open(event, [], [])
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                self._data, self._marks, self._key, self._key_mark = self._stack.pop()
            elif kind is events.AliasEvent:
                self._alias(event)
            elif kind is events.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    message = "a file holds one document; this starts another"
                    self._stop(rules.YAML_DOCUMENTS, event, message, "one thing per file")
            elif kind is events.StreamEndEvent:
                return

    def finish(self) -> Document:
        """Return the document, its SOPS block split off."""
        document = self.document
        if self._root is None and not document.diagnostics:
            self.report(rules.YAML_SYNTAX, None, "the file is empty")
        document.data = self._root
        if isinstance(self._root, dict) and isinstance(self._root.get(SOPS), dict):
            document.sops = self._root.pop(SOPS)
        return document

    def report(self, rule: Rule, mark: Any, message: str, hint: str = "") -> None:
        """Note a problem at a mark, or at the start of the file."""
        file = self.document.file
        position = _position(file, mark) if mark is not None else Position(file, 1, 1)
        self.document.diagnostics.append(found(rule, position, message, hint))

    def _stop(self, rule: Rule, event: Any, message: str, hint: str = "") -> None:
        self.report(rule, event.start_mark, message, hint)
        raise _StopError

    def _scalar(self, event: Any) -> None:
        self._admit(event)
        if self._key is None and type(self._data) is dict:
            self._take_key(event)
        else:
            self._put(self._value(event), event.start_mark, None)

    def _open(self, event: Any, data: Any, marks: Any) -> None:
        self._admit(event)
        if self._key is None and type(self._data) is dict:
            self._stop(rules.YAML_KEY, event, "a mapping key must be a plain string")
        if len(self._stack) >= MAX_DEPTH:
            self._stop(rules.YAML_TOO_DEEP, event, f"nested deeper than {MAX_DEPTH} levels")
        self._put(data, event.start_mark, marks)
        self._stack.append((self._data, self._marks, self._key, self._key_mark))
        self._data, self._marks, self._key, self._key_mark = data, marks, None, None

    def _alias(self, event: Any) -> None:
        message = f"aliases (*{event.anchor}) are not allowed"
        if self._key is None and type(self._data) is dict:
            self._stop(rules.YAML_ANCHOR, event, message)
        self.report(rules.YAML_ANCHOR, event.start_mark, message, "write the value out")
        self._put(None, event.start_mark, None)

    def _admit(self, event: Any) -> None:
        """Refuse what no value may have, whatever it is."""
        self._count += 1
        if self._count > MAX_VALUES:
            self._stop(rules.YAML_TOO_MANY, event, f"the file holds more than {MAX_VALUES} values")
        if event.anchor is not None:
            message = f"anchors (&{event.anchor}) are not allowed"
            self.report(rules.YAML_ANCHOR, event.start_mark, message, "write the value out")
        if event.tag is not None:
            message = f"tags ({event.tag}) are not allowed"
            self.report(rules.YAML_TAG, event.start_mark, message, "remove it")

    def _value(self, event: Any) -> scalars.Scalar:
        value: str = event.value
        if event.implicit[0]:
            try:
                return scalars.resolve(value)
            except scalars.AmbiguousError:
                self.report(
                    rules.YAML_AMBIGUOUS,
                    event.start_mark,
                    f"unquoted {value[:40]} reads differently in different YAML parsers",
                    "write true or false, or quote it"
                    if value in scalars.BOOLEAN_WORDS
                    else "quote it, or write a plain decimal number",
                )
        elif event.style == '"' and (hidden := text.INVISIBLE.search(value)):
            message = f"the escaped invisible character U+{ord(hidden[0]):04X} is not allowed"
            self.report(rules.CONTROL_CHARACTER, event.start_mark, message, "remove it")
        return value

    def _take_key(self, event: Any) -> None:
        key = self._value(event)
        mark = event.start_mark
        if not isinstance(key, str):
            message = f"a mapping key must be a string, not {event.value or 'nothing'}"
            self.report(rules.YAML_KEY, mark, message, f'write "{event.value}"')
            key = str(event.value)
        if key == "<<" and event.implicit[0]:
            message = "merge keys (<<) are not allowed"
            self.report(rules.YAML_ANCHOR, mark, message, "write the values out")
        elif key in self._marks:
            line = self._marks[key][0].line + 1
            message = f"duplicate key {key!r}"
            self.report(rules.YAML_DUPLICATE_KEY, mark, message, f"first written in line {line}")
        self._key, self._key_mark = key, mark

    def _put(self, value: Any, mark: Any, marks: Marks) -> None:
        """Set a value where the last event left room for it."""
        data = self._data
        if type(data) is dict:
            key = str(self._key)
            data[key] = value
            self._marks[key] = (self._key_mark, mark, marks)
            self._key = None
        elif type(data) is list:
            data.append(value)
            self._marks.append((mark, mark, marks))
        else:
            self._root = value
            self.document.root, self.document.marks = mark, marks


def _entry(marks: Marks, step: str | int) -> Entry | None:
    if isinstance(marks, dict):
        return marks.get(step) if isinstance(step, str) else None
    if isinstance(marks, list) and isinstance(step, int) and step < len(marks):
        entry: Entry = marks[step]
        return entry
    return None


def _position(file: str, mark: Any) -> Position:
    return Position(file, mark.line + 1, mark.column + 1)
