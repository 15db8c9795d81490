"""The creation rules of a `.sops.yaml`: which one sops takes for a file, and what it would encrypt.

sops takes the first rule whose `path_regex` is found in the path relative to the file of rules; a
rule without one matches everything. Go's and Python's regular expressions agree on common patterns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from modelops.resources.errors import ModelopsError

MAX_BYTES = 1 << 20


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One creation rule. `number` counts from 1; `selects` holds its *_regex and *_suffix fields.

    `age` holds recipients of all key groups; `others` the kinds of other keys.
    """

    number: int
    path_regex: str
    age: tuple[str, ...]
    others: tuple[str, ...]
    selects: Mapping[str, str]
    mac_only_encrypted: bool


def read_rules(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a `.sops.yaml`; ModelopsError when it cannot be read as one.

    Read with PyYAML's own loader: anchors are usual there, and sops has no strict form for it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ModelopsError(f"{path} is larger than 1 MiB")
        document = yaml.safe_load(content)
    except (OSError, yaml.YAMLError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelopsError(f"{path} cannot be read: {reason}") from None
    rules = document.get("creation_rules") if isinstance(document, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ModelopsError(f"{path} has no list creation_rules")
    return tuple(_rule(number, rule) for number, rule in enumerate(rules, 1))


def matching(rules: Sequence[Rule], path: str) -> Rule | None:
    """Return the rule for a path relative to the file of rules; ModelopsError for a bad regex."""
    for rule in rules:
        try:
            if re.search(rule.path_regex, path):
                return rule
        except re.error as error:
            raise ModelopsError(
                f"the path_regex of rule {rule.number} is not a regular expression: {error}"
            ) from None
    return None


def _rule(number: int, written: Mapping[str, Any]) -> Rule:
    groups = [written, *(group for group in written.get("key_groups") or [] if group)]
    kinds = ("pgp", "kms", "gcp_kms", "azure_keyvault", "hc_vault", "hc_vault_transit_uri", "hckms")
    return Rule(
        number=number,
        path_regex=str(written.get("path_regex") or ""),
        age=tuple(name for group in groups for name in _names(group.get("age"))),
        others=tuple(kind for kind in kinds if any(group.get(kind) for group in groups)),
        selects={
            key: str(value)
            for key, value in written.items()
            if key.endswith(("encrypted_regex", "encrypted_suffix")) and value
        },
        mac_only_encrypted=written.get("mac_only_encrypted") is True,
    )


def _names(value: object) -> list[str]:
    items = value if isinstance(value, list) else str(value or "").split(",")
    return [str(item).strip() for item in items if str(item).strip()]
