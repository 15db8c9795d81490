"""Which leaves of a file are encrypted: the one rule that its `sops:` block carries.

sops tests the rule against every key on the path of a leaf, and searches (RE2) rather than matches
whole. Python's `re` agrees with RE2 on a small common language, which is all that is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from modelops.secrets.errors import SecretError, UnusualError
from modelops.secrets.sops.metadata import Metadata

DEFAULT_SUFFIX = "_unencrypted"
"""What sops assumes when a block names no rule."""

RULE_FIELDS = (
    "encrypted_suffix",
    "encrypted_regex",
    "unencrypted_suffix",
    "unencrypted_regex",
    "encrypted_comment_regex",
    "unencrypted_comment_regex",
)
"""Fields of a sops block that hold a rule, of which it has one at most."""

_COMMON_REGEX = re.compile(r"[\w^$|().\-/]{1,500}", re.ASCII)  # no repetition: nothing backtracks

IsEncrypted = Callable[[Sequence[str]], bool]


def selection(metadata: Metadata) -> IsEncrypted:
    """Return the test of a path of mapping keys; UnusualError for a rule not evaluated here."""
    return _test({name: getattr(metadata, name) for name in RULE_FIELDS})


def selects(rule: Mapping[str, str], path: Sequence[str]) -> bool:
    """Say whether a rule, written as in a sops block, encrypts the leaf at a path."""
    return _test({name: rule.get(name) for name in RULE_FIELDS})(path)


def _test(rule: Mapping[str, str | None]) -> IsEncrypted:
    written = {name: argument for name, argument in rule.items() if argument}
    if len(written) > 1:
        raise SecretError("more than one rule selects what is encrypted")
    if not written:
        return _none(_ends(DEFAULT_SUFFIX))
    ((name, argument),) = written.items()
    match name:
        case "encrypted_suffix":
            return _any(_ends(argument))
        case "encrypted_regex":
            return _any(_searches(argument))
        case "unencrypted_suffix":
            return _none(_ends(argument))
        case "unencrypted_regex":
            return _none(_searches(argument))
        case _:
            raise UnusualError("comments select what is encrypted")


def _ends(suffix: str) -> Callable[[str], bool]:
    return lambda key: key.endswith(suffix)


def _searches(pattern: str) -> Callable[[str], bool]:
    if not _COMMON_REGEX.fullmatch(pattern):
        raise UnusualError("a regular expression that Go and Python may read differently")
    try:
        compiled = re.compile(pattern, re.ASCII)
    except re.error:
        raise UnusualError("a regular expression that Python does not read") from None
    return lambda key: compiled.search(key) is not None


def _any(test: Callable[[str], bool]) -> IsEncrypted:
    return lambda path: any(test(key) for key in path)


def _none(test: Callable[[str], bool]) -> IsEncrypted:
    return lambda path: not any(test(key) for key in path)
