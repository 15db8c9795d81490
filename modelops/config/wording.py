"""Types and refused values in words, for people who never read a regular expression."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from msgspec import inspect

from modelops.config.document import Path
from modelops.config.key_shapes import hidden
from modelops.resources import patterns

_SECRET_FIELD = re.compile(r"(^|_)(key|api_key|secret|token|password)$")
_NOUNS: Mapping[str, str] = {
    patterns.NAME: "a name of lower-case letters, digits and hyphens",
    patterns.MODEL: "a model's name",
    patterns.TARGET: "a model as provider/model",
    patterns.DURATION: "a duration such as 30s or 10m",
    patterns.URL: "a URL such as https://api.example.com/v1",
    patterns.SHA256: "a SHA-256 in 64 hex digits",
    patterns.DATE: "a date as YYYY-MM-DD",
    patterns.ALLOW: "chain/NAME or model/PROVIDER/NAME, where * stands for any name",
    patterns.ENV: "the name of a variable MODELOPS_SECRET_...",
    patterns.FILE: "the name of a file, without folders",
    patterns.HEADER: "the name of a header",
    patterns.LABEL: "a label: a lower-case letter, then letters, digits, _, . and -",
    patterns.RECIPIENT: "an age recipient (age1...)",
    patterns.LINE: "text on one line",
    patterns.SERVICE_TIER: "a service tier: a lower-case letter, then letters, digits, _ and -",
    patterns.TIME_OF_DAY: "a time as HH:MM, from 00:00 (the end of a day, too) to 23:59",
}
"""What values of a pattern are, for people."""

KINDS_OF_DATA: Mapping[type, str] = {
    dict: "a mapping",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a whole number",
    Decimal: "a number with a fraction",
    type(None): "nothing",
}


def noun(kind: inspect.Type) -> str:
    """Return what a value of a type is."""
    if isinstance(kind, inspect.Metadata):
        return noun(kind.type)
    if isinstance(kind, inspect.StructType):
        return "{" + ", ".join(f"{field.encode_name}: ..." for field in kind.fields) + "}"
    if isinstance(kind, inspect.LiteralType):
        return "one of " + ", ".join(str(value) for value in kind.values)
    if isinstance(kind, inspect.StrType):
        if kind.pattern == patterns.CIPHERTEXT:
            return "SOPS ciphertext"
        return _NOUNS.get(kind.pattern or "", "a string")
    if isinstance(kind, inspect.VarTupleType):
        return "a list"
    if isinstance(kind, inspect.DictType):
        return "a mapping"
    return "a whole number" if isinstance(kind, inspect.IntType) else "a number"


def description(kind: inspect.Type) -> str:
    """Return what the form says of a field, or ''."""
    if isinstance(kind, inspect.Metadata) and kind.extra_json_schema:
        return str(kind.extra_json_schema.get("description", ""))
    return ""


def show_value(data: object, path: Path) -> str:
    """Return a refused value for a message, unless it may be a secret."""
    if any(isinstance(step, str) and _SECRET_FIELD.search(step) for step in path):
        return "the value (hidden)"
    if isinstance(data, dict | list):
        return KINDS_OF_DATA[type(data)]
    if isinstance(data, str) and "@" in data:  # a URL may carry a password
        return "the value (hidden)"
    shown = str(data) if isinstance(data, Decimal) else json.dumps(data, ensure_ascii=False)
    return shown if len(shown) <= 60 else f"{hidden(shown)[:57]}..."
