"""Plain values to YAML text that the strict loader reads back as the same values.

Strings stand bare only where no YAML parser could take them for anything else. Small mappings stay
on one line, as people write targets and prices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from modelops.config import scalars

Value = str | int | bool | Decimal | Sequence["Value"] | Mapping[str, "Value"]

WIDTH = 100
"""Columns a mapping on one line may take."""

_BARE = re.compile(
    r"[A-Za-z](?:[A-Za-z0-9 ._/+@-]*[A-Za-z0-9._/+@-])?"
    r"|https?://[A-Za-z0-9._:/-]+[A-Za-z0-9/]"
    r"|[0-9]{1,9}(?:ms|s|m|h)"
)


def emit(mapping: Mapping[str, Value]) -> str:
    """Return a mapping as a YAML document."""
    return "".join(f"{line}\n" for line in _mapping(mapping, ""))


def _mapping(mapping: Mapping[str, Value], indent: str) -> Iterator[str]:
    for name, value in mapping.items():
        flow = _flow(value)
        if flow is not None and len(indent) + len(name) + len(flow) <= WIDTH:
            yield f"{indent}{_scalar(name)}: {flow}"
        elif isinstance(value, Mapping):
            yield f"{indent}{_scalar(name)}:"
            yield from _mapping(value, indent + "  ")
        elif isinstance(value, (str, int, Decimal)):
            yield f"{indent}{_scalar(name)}: {_scalar(value)}"
        else:
            yield f"{indent}{_scalar(name)}:"
            yield from _sequence(value, indent + "  ")


def _sequence(items: Sequence[Value], indent: str) -> Iterator[str]:
    for item in items:
        flow = _flow(item)
        fits = flow is not None and len(indent) + len(flow) <= WIDTH
        if fits or not isinstance(item, Mapping):
            yield f"{indent}- {flow}"
            continue
        first, *rest = _mapping(item, indent + "  ")
        yield f"{indent}- {first.lstrip()}"
        yield from rest


def _flow(value: Value) -> str | None:
    """Return a value on one line; None for a list of mappings, and for what holds one."""
    if isinstance(value, (str, int, Decimal)):
        return _scalar(value)
    if isinstance(value, Mapping):
        pairs = [(_scalar(name), _flow(item)) for name, item in value.items()]
        if any(item is None for _, item in pairs):
            return None
        return "{" + ", ".join(f"{name}: {item}" for name, item in pairs) + "}"
    if any(isinstance(item, Mapping) for item in value):
        return None
    return "[" + ", ".join(_flow(item) or "" for item in value) + "]"


def _scalar(value: str | int | Decimal) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value if _is_bare(value) else _quoted(value)


def _is_bare(text: str) -> bool:
    if _BARE.fullmatch(text) is None:
        return False
    try:
        return scalars.resolve(text) == text
    except scalars.AmbiguousError:
        return False


def _quoted(text: str) -> str:
    """Return a double-quoted scalar; what does not print is spelled as an escape."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
