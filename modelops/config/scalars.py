"""What an unquoted YAML scalar means: the YAML 1.2 core schema, less what YAML 1.1 reads otherwise.

Teams read these files with other tools too (Go's in SOPS, PyYAML in scripts), so a value on which
they differ is refused rather than guessed. The one exception is an exponent with a sign and no dot
(`1e-07`): SOPS writes it for small numbers, and typed fields catch it where a string was meant.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

Scalar = str | int | Decimal | bool | None

CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
BOOLEAN_WORDS = frozenset(
    spelling
    for word in ("yes", "no", "on", "off", "y", "n")
    for spelling in (word, word.upper(), word.capitalize())
)
_NUMBER_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(
    r"[-+]?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,40}(?:[eE][-+][0-9]{1,2})?|[eE][-+][0-9]{1,2})"
)
_AMBIGUOUS = re.compile(
    r"[-+]?[0-9][0-9_]*"  # octal, 1_000, more digits than an integer holds
    r"|[-+]?0[xobXOB][0-9a-fA-F_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # 12:30:45 is 45045 in YAML 1.1
    r"|[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"  # .5 and 5. and 1_0.5
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?"
)


class AmbiguousError(ValueError):
    """An unquoted value that YAML parsers read differently."""


@lru_cache(maxsize=4096)  # keys and most values come again and again
def resolve(text: str) -> Scalar:
    """Return the value of an unquoted scalar; AmbiguousError where parsers do not agree."""
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] not in _NUMBER_STARTS:
        if text in BOOLEAN_WORDS:
            raise AmbiguousError
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return Decimal(text)
    if _AMBIGUOUS.fullmatch(text):
        raise AmbiguousError
    return text
