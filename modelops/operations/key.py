"""Make a key for a caller: it is shown once, and only its hash is declared."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable
from datetime import date

import msgspec

from modelops.resources import patterns
from modelops.resources.errors import ModelopsError
from modelops.secrets.secret import Secret

_ID_BYTES = 5
_SECRET_BYTES = 32


class NewKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key, its SHA-256 in hex, and the lines that declare it in `file`."""

    key: Secret
    sha256: str
    file: str
    declaration: str


def new_key(
    address: str, name: str, expires: str, random: Callable[[int], bytes] = secrets.token_bytes
) -> NewKey:
    """Return a new key for agent/NAME or operator/NAME.

    `name` '' names it by its id; `expires` is its last day as YYYY-MM-DD, or ''.
    """
    kind, _, caller = address.partition("/")
    if kind not in ("agent", "operator") or not re.fullmatch(patterns.NAME, caller):
        raise ModelopsError(
            f"{address!r} is not a caller", "name an agent/NAME or an operator/NAME"
        )
    key_id, secret = _text(random(_ID_BYTES)), _text(random(_SECRET_BYTES))
    name = name or f"key-{key_id}"
    if not re.fullmatch(patterns.NAME, name):
        raise ModelopsError(
            f"{name!r} cannot name a key", "use lower-case letters, digits and hyphens"
        )
    value = f"mo_{key_id}_{secret}"
    sha256 = hashlib.sha256(value.encode()).hexdigest()
    entry = f'{{name: {name}, sha256: "{sha256}"{_expiry(expires)}}}'
    return NewKey(
        key=Secret(value),
        sha256=sha256,
        file=f"agents.d/{caller}.yaml" if kind == "agent" else "modelops.yaml",
        declaration=f"keys:\n  - {entry}\n"
        if kind == "agent"
        else f"operators:\n  - operator: {caller}\n"
        f"    role: viewer  # or operator, deployer\n    keys:\n      - {entry}\n",
    )


def _expiry(expires: str) -> str:
    if not expires:
        return ""
    try:
        day = date.fromisoformat(expires)
    except ValueError:
        raise ModelopsError(f"{expires!r} is not a date", "write it as YYYY-MM-DD") from None
    return f', expires: "{day.isoformat()}"'


def _text(content: bytes) -> str:
    """Return bytes in letters and digits that one double-click selects."""
    return base64.b32encode(content).decode().rstrip("=").lower()
