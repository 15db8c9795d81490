"""A folder's files as declared resources, each with its document for positions.

What is wrong with a file takes only that file out, and what remains of it is checked, so that one
run reports everything. The addresses that a broken file would have declared are remembered: a chain
that names a model of a file with a typo must not be reported as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from modelops.config import files, rules, yaml
from modelops.config.diagnostics import found
from modelops.config.explain import explain
from modelops.config.exposed import exposed_keys
from modelops.config.files import Source
from modelops.config.remains import remains
from modelops.config.yaml import Document
from modelops.resources import declared
from modelops.resources.addresses import Kind, address
from modelops.resources.configuration import Diagnostic, Position

T = TypeVar("T", bound=declared.Declared)

STRUCTS: dict[Kind, type[declared.Declared]] = {
    "config": declared.Settings,
    "provider": declared.Provider,
    "chain": declared.Chain,
    "agent": declared.Agent,
}
"""What a file of each kind holds; the field that names it is called like the kind."""


class Entry(msgspec.Struct, Generic[T], frozen=True):
    """One declared resource: its address, what was written, and the document it stands in."""

    address: str
    value: T
    document: Document

    def at(self, *path: str | int, key: bool = False) -> Position:
        """Return where a field stands."""
        return self.document.position(path, key=key)


class Resources(msgspec.Struct):
    """Resources by name; the first where several have the same."""

    settings: Entry[declared.Settings] | None = None
    providers: dict[str, Entry[declared.Provider]] = {}
    chains: dict[str, Entry[declared.Chain]] = {}
    agents: dict[str, Entry[declared.Agent]] = {}

    def add(self, value: declared.Declared, document: Document) -> Diagnostic | None:
        """Add a resource; returns what is wrong when its name is taken."""
        match value:
            case declared.Provider():
                return _add(self.providers, "provider", value.provider, value, document)
            case declared.Chain():
                return _add(self.chains, "chain", value.chain, value, document)
            case declared.Agent():
                return _add(self.agents, "agent", value.agent, value, document)
            case declared.Settings():
                self.settings = self.settings or Entry(
                    address("config", value.config), value, document
                )
        return None


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a folder declares, by name.

    `broken` holds addresses of files with errors, `unread` those files that are YAML to their end,
    `remains` what they declare without what is wrong in them.
    """

    folder: Path
    environment: str
    sources: tuple[Source, ...]
    settings: Entry[declared.Settings] | None
    providers: dict[str, Entry[declared.Provider]]
    chains: dict[str, Entry[declared.Chain]]
    agents: dict[str, Entry[declared.Agent]]
    broken: frozenset[str]
    unread: tuple[tuple[Kind, Document], ...]
    remains: Resources


def declare(folder: Path, environment: str = "") -> tuple[Declaration, list[Diagnostic]]:
    """Return what a folder declares and what is wrong with its files, one by one.

    Raises ModelopsError when there is no configuration to look at.
    """
    sources, diagnostics = files.read(folder)
    whole, remaining = Resources(), Resources()
    broken: set[str] = set()
    unread: list[tuple[Kind, Document]] = []
    for source in sources:
        document = yaml.load(source.raw, source.path)
        value = _convert(document, source, diagnostics)
        if value is not None:
            taken = whole.add(value, document)
            diagnostics.extend([taken] if taken else [])
            continue
        broken.update(_meant(document, source))
        if document.complete:
            unread.append((source.kind, document))
            left = remains(document, STRUCTS[source.kind], source.kind, source.stem)
            if left is not None:  # its name may be the file's, so it may well be another's
                remaining.add(*left)
    broken.update(_meant_by_path(found.position.file for found in diagnostics))
    declaration = Declaration(
        folder=folder,
        environment=environment,
        sources=tuple(sources),
        settings=whole.settings,
        providers=whole.providers,
        chains=whole.chains,
        agents=whole.agents,
        broken=frozenset(broken),
        unread=tuple(unread),
        remains=remaining,
    )
    return declaration, diagnostics


def _convert(
    document: Document, source: Source, diagnostics: list[Diagnostic]
) -> declared.Declared | None:
    """Return what one file declares, or None when it has errors."""
    problems = list(document.diagnostics)
    value: declared.Declared | None = None
    if document.complete:
        try:
            value = msgspec.convert(document.data, STRUCTS[source.kind])
        except msgspec.ValidationError as error:
            places = {problem.position for problem in problems}
            why = _why_not(document, source.kind, str(error))
            problems.extend(reason for reason in why if reason.position not in places)
    lines = {problem.position.line for problem in problems}
    problems.extend(key for key in exposed_keys(document) if key.position.line not in lines)
    diagnostics.extend(problems)
    if value is None or document.diagnostics:
        return None
    diagnostics.extend(_misnamed(document, source, value))
    return value


def _why_not(document: Document, kind: Kind, verdict: str) -> Iterable[Diagnostic]:
    """Return every reason for msgspec's verdict, which is the first one."""
    data = document.data
    if isinstance(data, dict) and kind != "config" and kind not in data:
        other = next((name for name in STRUCTS if name in data and name != "config"), None)
        if other is not None:
            folder = next(name for name, holds in files.FOLDERS.items() if holds == other)
            message = f"this declares a {other}, and the folder holds {kind}s"
            position = document.position((other,), key=True)
            return [found(rules.WRONG_KIND, position, message, f"move the file to {folder}")]
    reasons = explain(document, STRUCTS[kind])
    return reasons or [found(rules.BAD_VALUE, document.position(), verdict)]


def _misnamed(document: Document, source: Source, value: declared.Declared) -> Iterator[Diagnostic]:
    if source.kind == "config":
        return
    name = getattr(value, source.kind)
    if name != source.stem:
        yield found(
            rules.FILE_NAME,
            document.position((source.kind,)),
            f"the file is named {source.stem!r} and declares {source.kind} {name!r}",
            f"rename the file to {name}.yaml, or the {source.kind} to {source.stem}",
        )


def _add(
    entries: dict[str, Entry[T]], kind: Kind, name: str, value: T, document: Document
) -> Diagnostic | None:
    """Take an entry in, unless its name is taken."""
    if name not in entries:
        entries[name] = Entry(address(kind, name), value, document)
        return None
    first = entries[name].at(kind)
    message = f"{kind} {name!r} is declared twice"
    return found(rules.DUPLICATE_ADDRESS, document.position((kind,)), message, f"first in {first}")


def _meant(document: Document, source: Source) -> Iterator[str]:
    """Yield the addresses a broken file was meant to declare, by its name and by what it says."""
    yield address(source.kind, source.stem)
    name = document.data.get(source.kind) if isinstance(document.data, dict) else None
    if isinstance(name, str):
        yield address(source.kind, name)


def _meant_by_path(paths: Iterable[str]) -> Iterator[str]:
    """Yield the addresses that files with errors have by their paths, also unreadable ones."""
    for path in paths:
        folder, _, rest = path.partition("/")
        if folder in files.FOLDERS:
            yield address(files.FOLDERS[folder], rest.rpartition("/")[2].rpartition(".")[0])
