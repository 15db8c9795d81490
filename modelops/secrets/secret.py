"""A secret in memory: a value that is shown only where it is asked for by name.

repr, str, format, JSON, pickle and comparison give nothing away; only `reveal()` does, so every
place that uses a secret can be found by searching for that word.
"""

from __future__ import annotations

import hmac
from typing import NoReturn


class Secret:
    """One secret value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would be a fingerprint of the value

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")
