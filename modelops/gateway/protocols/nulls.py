"""Reading requests in which a null field counts as an absent one, known or not.

SDKs write null for what was left out: a message that is sent back as `model_dump()` gives it holds
fields that its own provider added and nobody set. Only a request that does not fit is read twice.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from modelops.gateway.protocols.adapter import CannotCarryError

Request = TypeVar("Request")

_WORDS = re.compile(r" '(?![A-Za-z0-9_.-]{1,40}' - at `\$).*'(?= - at `\$|$)", re.DOTALL)
"""A value in an error that is more than the one word a kind or a role is."""

_WHERE = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_VALUE = re.compile(r"Invalid (?:enum )?value ?(.*)", re.DOTALL)
"""The decoder's own sentences, which say what it expected; a caller needs what to leave out."""

_KEPT = frozenset({"input", "input_schema", "parameters", "schema"})
"""Fields whose value is the caller's own JSON, in which null means something."""


def decode_request(decoder: msgspec.json.Decoder[Request], content: bytes) -> Request:
    """Decode a request; CannotCarryError names what it holds that the decoder does not know."""
    try:
        return decoder.decode(content)
    except msgspec.DecodeError as error:
        if b"null" not in content:
            raise _named(error) from None
    try:
        return decoder.decode(msgspec.json.encode(_without(msgspec.json.decode(content))))
    except msgspec.DecodeError as error:
        raise _named(error) from None


def _named(error: Exception) -> CannotCarryError:
    """Return what cannot be carried and where it stands, without words: the books see this."""
    said = _WORDS.sub("", str(error))
    found = _WHERE.fullmatch(said)
    what, path = (found["what"], found["path"] or "") if found else (said, "")
    if unknown := _UNKNOWN.fullmatch(what):
        return CannotCarryError(f"`{path}.{unknown[1]}`".replace("`.", "`"))
    if value := _VALUE.fullmatch(what):
        return CannotCarryError(f"`{path}`" + (f"={value[1]}" if value[1] else ""))
    if what.startswith("Expected `null`"):
        return CannotCarryError(f"`{path}`")
    return CannotCarryError(f"`{path}`: {what[:1].lower()}{what[1:]}" if path else what)


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if isinstance(value, dict):
        return {
            name: item if name in _KEPT else _without(item)
            for name, item in value.items()
            if item is not None
        }
    return value
