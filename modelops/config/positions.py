"""Where every resource and field of a declaration stands, looked up when somebody asks.

Keys are addresses and `address#field.path`. Paths are spelled as in plans: elements of lists by
index or by the field they are known by (`targets[openai/gpt-4o].timeout_ms`), resolved names of
durations (`deadline_ms`) as well as declared ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from modelops.config.declaration import Declaration
from modelops.config.yaml import Document, Path
from modelops.resources.addresses import model_address
from modelops.resources.configuration import Position

_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")
_NAMED_BY = ("model", "name", "operator", "provider", "above_input_tokens", "tier", "from")


class Positions(Mapping[str, Position]):
    """Positions of one declaration. Iterating yields addresses only: fields are without number."""

    def __init__(self, declaration: Declaration) -> None:
        self._places: dict[str, tuple[Document, Path, str]] = {}
        if declaration.settings is not None:
            entry = declaration.settings
            self._places[entry.address] = (entry.document, (), "config")
        for name, provider in declaration.providers.items():
            self._places[provider.address] = (provider.document, (), "provider")
            for index, model in enumerate(provider.value.models):
                address = model_address(f"{name}/{model.model}")
                self._places.setdefault(address, (provider.document, ("models", index), "model"))
        for chain in declaration.chains.values():
            self._places[chain.address] = (chain.document, (), "chain")
        for agent in declaration.agents.values():
            self._places[agent.address] = (agent.document, (), "agent")

    def __getitem__(self, key: str) -> Position:
        address, _, field = key.partition("#")
        document, base, named_by = self._places[address]
        path = (*base, *_path(document, base, field)) if field else (*base, named_by)
        if field and not document.has(path):
            raise KeyError(key)
        return document.position(path, key=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _path(document: Document, base: Path, field: str) -> Iterator[str | int]:
    """Yield the steps of a field's path, elements known by name as their index."""
    data = document.data
    for step in base:
        data = _below(data, step)
    for name, element in _STEP.findall(field):
        step = _declared_name(data, name) if name else _index(data, element)
        yield step
        data = _below(data, step)


def _declared_name(data: object, name: str) -> str:
    if isinstance(data, dict) and name not in data and name.endswith("_ms"):
        return name.removesuffix("_ms")
    return name


def _index(data: object, element: str) -> int:
    """Return the index of the element that is known by a name or, failing that, is a number."""
    if isinstance(data, list):
        for index, item in enumerate(data):
            if isinstance(item, dict) and element in (str(item.get(key)) for key in _NAMED_BY):
                return index
    return int(element) if element.isdecimal() else -1


def _below(data: object, step: str | int) -> object:
    if isinstance(data, dict) and isinstance(step, str):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int) and 0 <= step < len(data):
        return data[step]
    return None
