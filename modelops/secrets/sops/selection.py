"""Which leaves of a file are encrypted: the one rule that its `sops:` block carries.

sops tests the rule against every key on the path of a leaf, and searches (RE2) rather than matches
whole. Python's `re` agrees with RE2 on a small common language, which is all that is accepted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from modelops.secrets.errors import SecretError
from modelops.secrets.sops.metadata import Metadata, UnusualError

DEFAULT_SUFFIX = "_unencrypted"
"""What sops assumes when a block names no rule."""

_COMMON_REGEX = re.compile(r"[\w^$|().\-/]{1,500}", re.ASCII)  # no repetition: nothing backtracks

IsEncrypted = Callable[[Sequence[str]], bool]


def selection(metadata: Metadata) -> IsEncrypted:
    """Return the test of a path of mapping keys; UnusualError for a rule not evaluated here."""
    if metadata.unencrypted_comment_regex or metadata.encrypted_comment_regex:
        raise UnusualError("comments select what is encrypted")
    rules: list[IsEncrypted] = []
    if metadata.encrypted_suffix:
        rules.append(_any(_ends(metadata.encrypted_suffix)))
    if metadata.encrypted_regex:
        rules.append(_any(_searches(metadata.encrypted_regex)))
    if metadata.unencrypted_suffix:
        rules.append(_none(_ends(metadata.unencrypted_suffix)))
    if metadata.unencrypted_regex:
        rules.append(_none(_searches(metadata.unencrypted_regex)))
    if len(rules) > 1:
        raise SecretError("the sops block names more than one rule of what is encrypted")
    return rules[0] if rules else _none(_ends(DEFAULT_SUFFIX))


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
