"""The plan document: the frozen, versioned answer to "what would applying this folder change?".

It is the one thing every renderer, the command line, CI and a later `apply` read. It holds no
secret value and nothing that only the process that made it could understand. Within one
`format_version` fields are only ever added, so a reader passes over what it does not know.

`plan_digest` is the SHA-256 of the document's sorted JSON in which it is itself '', so that a file
that was cut off or edited by hand is recognized. It is no signature: `apply` makes the plan again
and compares.
"""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import msgspec

from modelops.resources.errors import ModelopsError
from modelops.secrets.sealed import SecretNote

FORMAT_VERSION = 1
"""Raised when a reader of the old form would misread the new one."""

MAX_BYTES = 64 * 1024 * 1024
"""A plan of 12,000 resources is about 10 MB; more than this is not read."""

Action = Literal["create", "update", "delete", "move"]
Level = Literal["warning", "refused"]


class FieldChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field of a resource that changes.

    `path` is as in the resolved resource, elements of keyed lists by their key:
    `targets[openai/gpt-4o].timeout_ms`. `old` and `new` are plain JSON values, prices as decimal
    strings, and null where there is none. The sources are '' for what is declared, else `default`,
    `preset` or `catalog`, the new one with the catalog's date. Of a secret there is
    a `secret` note and no value: `re-encrypted` may or may not have a new value, which takes a key
    to tell, `re-sealed` has the old one for other servers, `origin changed` shows the origins.
    """

    path: str
    old: Any = None
    new: Any = None
    old_source: str = ""
    source: str = ""
    secret: SecretNote = ""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happens to one resource.

    `file` and `line` say where it is declared ('' and 0: nowhere, any more). `moved_from` is the
    address it went by. `reaches` lists the chains and agents whose requests it can touch.
    """

    action: Action
    address: str
    file: str = ""
    line: int = 0
    moved_from: str = ""
    fields: tuple[FieldChange, ...] = ()
    reaches: tuple[str, ...] = ()


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that does not change itself but stands behind or before one that does."""

    address: str
    because: tuple[str, ...]


class Check(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something to know before applying; `refused` ones keep `apply` from running.

    `hint` says what to do about it. `address` is '' when it concerns no single resource.
    """

    rule: str
    level: Level
    message: str
    hint: str = ""
    address: str = ""
    file: str = ""
    line: int = 0


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the plan. `total` is how many resources the base revision holds.

    It is null when they were not read, because an equal digest had answered already.
    """

    create: int = 0
    update: int = 0
    delete: int = 0
    move: int = 0
    total: int | None = None
    affected: int = 0
    warnings: int = 0
    refused: int = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The difference between a declaration and a revision, with its effects and checks.

    `store_id` is '' for a store that does not exist yet. `base_ref` is the git commit a plan
    compares against when it compares two declarations and no store: such a plan is never applied.
    `git_commit` is '' outside git; `git_prefix` is the configuration folder inside the repository,
    with a final slash, '' for its root, and files of changes are relative to it. `created_at` is
    RFC 3339 in UTC, `created_by` user@host.
    """

    format_version: int = FORMAT_VERSION
    tool_version: str
    catalog: str
    store_id: str
    config: str
    environment: str
    base_revision: int
    base_digest: str
    base_ref: str = ""
    config_digest: str
    git_commit: str
    git_branch: str
    git_dirty: bool
    git_prefix: str
    created_by: str
    created_at: str
    changes: tuple[Change, ...]
    effects: tuple[Effect, ...]
    checks: tuple[Check, ...]
    summary: Summary
    plan_digest: str = ""

    @property
    def empty(self) -> bool:
        """Whether applying this would change nothing."""
        return not self.changes

    @property
    def refusals(self) -> tuple[Check, ...]:
        """The checks that keep it from being applied."""
        return tuple(check for check in self.checks if check.level == "refused")


class InvalidPlanError(ModelopsError):
    """A plan file cannot be read: not a plan, cut off, edited, or of a newer form (exit 1)."""


def seal(plan: Plan) -> Plan:
    """Return the plan with its digest filled in."""
    return msgspec.structs.replace(
        plan, plan_digest=_digest(msgspec.structs.replace(plan, plan_digest=""))
    )


def encode(plan: Plan) -> bytes:
    """Return the document as indented JSON with a final line break."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n"


def decode(content: bytes, name: str) -> Plan:
    """Return the plan in a file; InvalidPlanError naming the file when it is not one."""
    again = "make it again with: modelops plan --out FILE"
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise InvalidPlanError(
            f"{name}: not a whole JSON document, perhaps cut off", again
        ) from None
    version = document.get("format_version") if isinstance(document, dict) else None
    if not isinstance(version, int):
        raise InvalidPlanError(f"{name}: not a plan of modelops", again)
    if version > FORMAT_VERSION:
        raise InvalidPlanError(
            f"{name}: plan of format version {version}, this modelops reads up to {FORMAT_VERSION}",
            "apply it with the version that made it, or plan again with this one",
        )
    if document.get("plan_digest") != _digest({**document, "plan_digest": ""}):
        raise InvalidPlanError(f"{name}: changed since it was made: its digest does not fit", again)
    try:
        return msgspec.convert(document, Plan)
    except msgspec.ValidationError as error:
        raise InvalidPlanError(f"{name}: not a plan of modelops: {error}", again) from None


def _digest(document: Plan | dict[str, Any]) -> str:
    """Return the digest of a document without one, fields that this version does not know too."""
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
