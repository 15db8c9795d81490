"""Counts as providers write them, read by their types before `normalize` gives them one meaning.

A count that cannot be true is left out and remembered: it must neither be added up nor priced.
Nearly every report is sane and is read in one step; any other field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, get_args

import msgspec

Raw = Mapping[str, Any]
Shape = TypeVar("Shape", bound=msgspec.Struct)

MAX_TOKENS = 20_000_000
"""No call has this many tokens. Context windows of 2026 end at ten million (Llama 4 Scout), and
calls that search on their own add up to a few times a smaller one: o3-deep-research, whose window
is 200,000, has been billed up to three million."""

Count = Annotated[int, msgspec.Meta(ge=0, lt=MAX_TOKENS)] | None


def read(raw: Raw, shape: type[Shape]) -> tuple[Shape, bool]:
    """Return the counts of a report, and whether one of them was absurd."""
    try:
        return msgspec.convert(raw, shape), False
    except msgspec.ValidationError:
        return _field_by_field(raw, shape)


def _field_by_field(raw: Raw, shape: type[Shape]) -> tuple[Shape, bool]:
    """Read valid fields. Ignore malformed detail objects; accept integral floats."""
    found: dict[str, Any] = {}
    absurd = False
    for field in msgspec.structs.fields(shape):
        value = raw.get(field.encode_name)
        details = _details(field.type)
        if details is None:
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            try:
                found[field.name] = msgspec.convert(value, field.type)
            except msgspec.ValidationError:
                absurd = True
        elif isinstance(value, dict):
            found[field.name], within = read(value, details)
            absurd = absurd or within
    return shape(**found), absurd


def _details(kind: Any) -> type[msgspec.Struct] | None:
    """Return the shape of a field that holds further counts, None for one that is a count."""
    for one in get_args(kind):
        if isinstance(one, type) and issubclass(one, msgspec.Struct):
            return one
    return None
