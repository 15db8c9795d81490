"""Strict YAML with the position of every value: the one way a file enters the config road.

Driven by libyaml's events and not by PyYAML's constructors: 100 kB of `[` kills a process that
composes nodes recursively, tags can name Python types, and positions are lost on the way. Accepts
whatever `sops` writes; its block is split off and kept as data.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml import events

from modelops.config import rules, scalars, text
from modelops.config.diagnostics import found
from modelops.config.document import Document, Marks, Path, Place, key_line, pair, place
from modelops.config.rules import Rule
from modelops.resources.configuration import Diagnostic, Position

__all__ = ["MAX_DEPTH", "MAX_EVENTS", "SOPS", "Document", "Path", "load", "load_text"]

MAX_DEPTH = 64
MAX_EVENTS = 200_000
"""Keys and values of a file, and the ends of its containers."""
SOPS = "sops"
"""Top-level key under which SOPS keeps recipients and MAC."""

# libyaml where PyYAML was built with it (every wheel is), else the same events from Python
_Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        mark = error.problem_mark or error.context_mark
        message, hint = error.problem or "this is not YAML", error.context or ""
        if mark and content[mark.index : mark.index + 1] == "\t":
            message, hint = "a tab cannot indent YAML", "use spaces"
        builder.report(rules.YAML_SYNTAX, mark, message, hint)
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

    __slots__ = ("_data", "_key", "_key_place", "_marks", "_root", "_stack", "document")

    def __init__(self, document: Document) -> None:
        self.document = document
        self._root: object = None
        self._data: Any = None
        self._marks: Any = None
        self._key: str | None = None
        self._key_place: Place = 0
        self._stack: list[tuple[Any, Any, str | None, Place]] = []

    def run(self, parser: Any) -> None:
        """Take every event of one document."""
        documents = taken = 0
        while True:
            event = parser.get_event()
            kind = type(event)
            taken += 1
            if taken > MAX_EVENTS:
                self._stop(
                    rules.YAML_TOO_MANY, event, "the file holds more than 200,000 keys and values"
                )
            if kind is events.ScalarEvent:
                self._scalar(event)
            elif kind is events.MappingStartEvent:
                self._open(event, {})
            elif kind is events.SequenceStartEvent:
                self._open(event, [])
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                self._data, self._marks, self._key, self._key_place = self._stack.pop()
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
        position = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        self.document.diagnostics.append(found(rule, position, message, hint))

    def _stop(self, rule: Rule, event: Any, message: str, hint: str = "") -> None:
        self.report(rule, event.start_mark, message, hint)
        raise _StopError

    def _scalar(self, event: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse(event)
        if self._key is None and type(self._data) is dict:
            self._take_key(event)
        else:
            self._put(self._value(event), _place(event))

    def _open(self, event: Any, data: Any) -> None:
        if event.anchor is not None or event.tag is not None:
            self._refuse(event)
        if self._key is None and type(self._data) is dict:
            self._stop(rules.YAML_KEY, event, "a mapping key must be a plain string")
        if len(self._stack) >= MAX_DEPTH:
            self._stop(rules.YAML_TOO_DEEP, event, f"nested deeper than {MAX_DEPTH} levels")
        marks: Any = type(data)()
        self._put(data, _place(event), marks)
        self._stack.append((self._data, self._marks, self._key, self._key_place))
        self._data, self._marks, self._key, self._key_place = data, marks, None, 0

    def _alias(self, event: Any) -> None:
        message = f"aliases (*{event.anchor}) are not allowed"
        if self._key is None and type(self._data) is dict:
            self._stop(rules.YAML_ANCHOR, event, message)
        self.report(rules.YAML_ANCHOR, event.start_mark, message, "write the value out")
        self._put(None, _place(event))

    def _refuse(self, event: Any) -> None:
        """Report what no value may have, whatever it is."""
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
            message = f"duplicate key {key!r}"
            hint = f"first written in line {key_line(self._marks[key])}"
            self.report(rules.YAML_DUPLICATE_KEY, mark, message, hint)
        self._key, self._key_place = key, place(mark.line, mark.column)

    def _put(self, value: Any, at: Place, marks: Marks | None = None) -> None:
        """Set a value where the last event left room for it; `marks` are those of a container."""
        data = self._data
        if type(data) is dict:
            packed = pair(self._key_place, at)
            data[self._key] = value
            self._marks[self._key] = packed if marks is None else (packed, marks)
            self._key = None
        elif type(data) is list:
            packed = pair(at, at)
            data.append(value)
            self._marks.append(packed if marks is None else (packed, marks))
        else:
            packed = pair(at, at)
            self._root = value
            self.document.root = packed if marks is None else (packed, marks)


def _place(event: Any) -> Place:
    mark = event.start_mark
    return place(mark.line, mark.column)
