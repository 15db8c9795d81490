"""Strict YAML with the position of every value: the one way a file enters the config road.

Driven by libyaml's events and not by PyYAML's constructors: 100 kB of `[` kills a process that
composes nodes recursively, tags can name Python types, and positions are lost on the way. Accepts
whatever `sops` writes; its block is split off and kept as data.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from modelops.config import rules, text
from modelops.config.diagnostics import found
from modelops.config.document import COLUMN_BITS, PLACE_BITS, Document, Path, Place, key_line
from modelops.config.rules import Rule
from modelops.config.scalars import BOOLEAN_WORDS, AmbiguousError, Scalar, resolve
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

    __slots__ = ("_root", "document")

    def __init__(self, document: Document) -> None:
        self.document = document
        self._root: object = None

    def run(self, parser: Any) -> None:  # noqa: C901
        """Take every event of one document.

        A large configuration has 300,000 of them. What each needs is done here, on local names and
        without calls, which saves a fifth of the time beside libyaml's; what is rare is below.
        """
        data: Any = None
        marks: Any = None
        key: str | None = None
        key_place: Place = 0
        stack: list[tuple[Any, Any, str | None, Place]] = []
        documents = 0
        for _ in range(MAX_EVENTS):
            event = parser.get_event()
            kind = type(event)
            mark = event.start_mark
            below: Any = None  # the marks of a container
            if kind is ScalarEvent:
                value: Any = event.value
                if event.anchor or event.tag:
                    self._unusual(event)
                if event.implicit[0]:
                    try:
                        value = resolve(value)
                    except AmbiguousError:
                        self._ambiguous(event)
                elif event.style == '"':
                    self._visible(event)
                if key is None and type(data) is dict:
                    if type(value) is not str or value in marks or value == "<<":
                        value = self._unusual_key(value, event, marks)
                    key, key_place = value, mark.line << COLUMN_BITS | mark.column
                    continue
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._container(event, len(stack), is_key=key is None and type(data) is dict)
                value, below = ({}, {}) if kind is MappingStartEvent else ([], [])
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                data, marks, key, key_place = stack.pop()
                continue
            elif kind is AliasEvent:
                self._alias(event, is_key=key is None and type(data) is dict)
                value = None
            elif kind is StreamEndEvent:
                return
            else:
                documents += kind is DocumentStartEvent
                if documents > 1:
                    message = "a file holds one document; this starts another"
                    self._stop(rules.YAML_DOCUMENTS, event, message, "one thing per file")
                continue
            at = mark.line << COLUMN_BITS | mark.column
            packed = (at if key is None else key_place) << PLACE_BITS | at
            entry = packed if below is None else (packed, below)
            if type(data) is dict:
                data[key], marks[key], key = value, entry, None
            elif type(data) is list:
                data.append(value)
                marks.append(entry)
            else:
                self._root, self.document.root = value, entry
            if below is not None:
                stack.append((data, marks, key, key_place))
                data, marks = value, below
        message = "the file holds more than 200,000 keys and values"
        self._stop(rules.YAML_TOO_MANY, event, message)

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

    def _container(self, event: Any, depth: int, *, is_key: bool) -> None:
        """Report what a mapping or sequence may not be."""
        if event.anchor is not None or event.tag is not None:
            self._unusual(event)
        if is_key:
            self._stop(rules.YAML_KEY, event, "a mapping key must be a plain string")
        if depth >= MAX_DEPTH:
            self._stop(rules.YAML_TOO_DEEP, event, f"nested deeper than {MAX_DEPTH} levels")

    def _alias(self, event: Any, *, is_key: bool) -> None:
        message = f"aliases (*{event.anchor}) are not allowed"
        if is_key:
            self._stop(rules.YAML_ANCHOR, event, message)
        self.report(rules.YAML_ANCHOR, event.start_mark, message, "write the value out")

    def _unusual(self, event: Any) -> None:
        """Report what no value may have, whatever it is."""
        if event.anchor is not None:
            message = f"anchors (&{event.anchor}) are not allowed"
            self.report(rules.YAML_ANCHOR, event.start_mark, message, "write the value out")
        if event.tag is not None:
            message = f"tags ({event.tag}) are not allowed"
            self.report(rules.YAML_TAG, event.start_mark, message, "remove it")

    def _ambiguous(self, event: Any) -> None:
        self.report(
            rules.YAML_AMBIGUOUS,
            event.start_mark,
            f"unquoted {event.value[:40]} reads differently in different YAML parsers",
            "write true or false, or quote it"
            if event.value in BOOLEAN_WORDS
            else "quote it, or write a plain decimal number",
        )

    def _visible(self, event: Any) -> None:
        """Report a character that an escape hides."""
        if hidden := text.INVISIBLE.search(event.value):
            message = f"the escaped invisible character U+{ord(hidden[0]):04X} is not allowed"
            self.report(rules.CONTROL_CHARACTER, event.start_mark, message, "remove it")

    def _unusual_key(self, key: Scalar, event: Any, marks: Any) -> str:
        """Report a key that is not a string, merges, or was written before; return it as text."""
        mark = event.start_mark
        if not isinstance(key, str):
            message = f"a mapping key must be a string, not {event.value or 'nothing'}"
            self.report(rules.YAML_KEY, mark, message, f'write "{event.value}"')
            key = str(event.value)
        if key == "<<" and event.implicit[0]:
            message = "merge keys (<<) are not allowed"
            self.report(rules.YAML_ANCHOR, mark, message, "write the values out")
        elif key in marks:
            message = f"duplicate key {key!r}"
            hint = f"first written in line {key_line(marks[key])}"
            self.report(rules.YAML_DUPLICATE_KEY, mark, message, hint)
        return key
