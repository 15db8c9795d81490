"""What a file with errors declares without them, so that one run reports what else is wrong.

A value that is wrong is left out, and with a field that must be written the mapping around it.
Positions of what remains are those of the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import TypeAlias

import msgspec

from modelops.config.document import Document, Entry
from modelops.config.explain import faults
from modelops.resources import patterns
from modelops.resources.configuration import Position
from modelops.resources.declared import Declared

Steps: TypeAlias = "tuple[str | int, ...]"

_MOST_ROUNDS = 8
"""What leaves a mapping without a field it must have takes that mapping out in the next round."""


def remains(
    document: Document, struct: type[Declared], name: str, stem: str
) -> tuple[Declared, Document] | None:
    """Return what is left of a document and what it declares; None when nothing can be.

    `name` is the field that names the resource; a file whose name is wrong is called by its `stem`.
    """
    if not isinstance(document.data, dict) or name not in document.data:
        return None
    unread = {problem.position for problem in document.diagnostics}
    rest = _without(document, {*_paths_at(document, unread)})
    for _ in range(_MOST_ROUNDS):
        if not isinstance(rest.data, dict):
            return None
        if re.search(patterns.NAME, str(rest.data.get(name, ""))) is None:
            if re.search(patterns.NAME, stem) is None:
                return None
            rest.data[name] = stem
        try:
            return msgspec.convert(rest.data, struct), rest
        except msgspec.ValidationError:
            rest = _without(rest, {tuple(path) for path, _ in faults(rest, struct)})
    return None


def _without(document: Document, gone: Collection[Steps]) -> Document:
    """Return the document without the values at these paths."""
    rest = Document(document.file, document.text)
    rest.complete, rest.sops = document.complete, document.sops
    rest.left_out = document.left_out.union(gone)
    if () not in gone:
        rest.data, rest.root = _thinned(document.data, document.root, (), gone)
    return rest


def _thinned(
    data: object, entry: Entry, path: Steps, gone: Collection[Steps]
) -> tuple[object, Entry]:
    if isinstance(entry, int):
        return data, entry
    place, marks = entry
    if isinstance(data, dict) and isinstance(marks, dict):
        kept = {
            key: _thinned(value, marks.get(key, place), (*path, key), gone)
            for key, value in data.items()
            if (*path, key) not in gone
        }
        below = marks | {key: mark for key, (_, mark) in kept.items()}
        for key in data.keys() - kept.keys():
            below.pop(key, None)
        return {key: value for key, (value, _) in kept.items()}, (place, below)
    if isinstance(data, list) and isinstance(marks, list):
        items = [
            _thinned(value, marks[index], (*path, index), gone)
            for index, value in enumerate(data)
            if (*path, index) not in gone
        ]
        return [value for value, _ in items], (place, [mark for _, mark in items])
    return data, entry


def _paths_at(document: Document, positions: Collection[Position]) -> Iterator[Steps]:
    """Yield the paths of keys and values at some positions, the innermost at each.

    A mapping begins where its first key does, and what is reported there is the key.
    """
    taken: set[Position] = set()
    if not positions:
        return
    for path in sorted(_paths(document.root, ()), key=len, reverse=True):
        for key in (True, False):
            at = document.position(path, key=key)
            if at in positions and at not in taken:
                taken.add(at)
                yield path


def _paths(entry: Entry, path: Steps) -> Iterator[Steps]:
    yield path
    if not isinstance(entry, int):
        marks = entry[1]
        steps = marks.items() if isinstance(marks, dict) else enumerate(marks)
        for step, below in steps:
            yield from _paths(below, (*path, step))
