"""A configuration folder, loaded, checked and resolved: what the config road carries to plan.

Positions point into the files the user wrote, so that every later message can name file:line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from modelops.resources.state import State

Severity = Literal["error", "warning"]


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a file: path relative to the configuration folder, line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Diagnostic(msgspec.Struct, frozen=True, kw_only=True):
    """One thing found in a configuration: what is wrong, where, and what was meant.

    `rule` names the check that found it. `hint` may be ''. Neither holds a secret's value.
    """

    position: Position
    severity: Severity
    rule: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.position}: {self.message}{hint}"


class SecretSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where the secret of one field comes from.

    `value` is SOPS ciphertext for `sops`, else the name of the variable or file. `field` is
    `api_key`, or `credentials[openrouter].api_key` for an agent's own key. `origin` is the
    scheme://host:port the secret may be sent to. `file` is where the ciphertext stands.
    `data_key_sha256` is the hash of that file's wrapped data keys, '' for a reference.
    """

    address: str
    field: str
    kind: Literal["sops", "env", "file"]
    value: str
    origin: str
    file: str
    data_key_sha256: str = ""


class Configuration(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a folder declares, resolved.

    `positions` is keyed by address, and by `address#field.path` for single fields. `config_digest`
    covers files, environment, catalog and form version: equal digests resolve to equal states.
    `warnings` are the diagnostics that did not stop it.
    """

    config: str
    environment: str
    state: State
    positions: Mapping[str, Position]
    secrets: tuple[SecretSource, ...]
    moved: tuple[tuple[str, str], ...]
    removed: tuple[str, ...]
    config_digest: str
    warnings: tuple[Diagnostic, ...]

    def position(self, address: str, field: str = "") -> Position | None:
        """Return where a field of a resource stands, else where the resource does."""
        return self.positions.get(f"{address}#{field}") or self.positions.get(address)
