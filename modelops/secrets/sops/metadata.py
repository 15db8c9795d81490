"""The `sops:` block of a file: who can open it, what is encrypted in it, how it is authenticated.

Field names are those of sops (stores/stores.go). Nothing in the block but `mac` is authenticated:
it can be rewritten by anyone who can commit, so it never decides where a credential of the reader
is sent (`policy` is about that) and a wrong value can only make reading fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelops.secrets.errors import SecretError, UnusualError

KEY_TYPES = ("age", "pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms")
"""Every kind of master key sops knows, as its block spells them."""


class AgeStanza(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data key, encrypted to one age recipient (an armored age file)."""

    recipient: str
    enc: str


class KeyGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Master keys, any one of which opens the data key or the group's share of it.

    Only age is read in process; the others are kept as they stand, to be counted.
    """

    age: list[AgeStanza] | None = None
    pgp: list[dict[str, Any]] | None = None
    kms: list[dict[str, Any]] | None = None
    gcp_kms: list[dict[str, Any]] | None = None
    azure_kv: list[dict[str, Any]] | None = None
    hc_vault: list[dict[str, Any]] | None = None
    hckms: list[dict[str, Any]] | None = None


class Metadata(KeyGroup, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole block. At most one of the six rules that select what is encrypted is set."""

    lastmodified: str
    mac: str
    version: str = ""
    mac_only_encrypted: bool = False
    unencrypted_suffix: str | None = None
    encrypted_suffix: str | None = None
    unencrypted_regex: str | None = None
    encrypted_regex: str | None = None
    unencrypted_comment_regex: str | None = None
    encrypted_comment_regex: str | None = None
    shamir_threshold: int | None = None
    key_groups: list[KeyGroup] | None = None


def read_metadata(block: Mapping[str, object]) -> Metadata:
    """Return the block typed; UnusualError for fields this version does not know.

    SecretError when what every version of sops writes is missing: the block was truncated.
    """
    for name in ("lastmodified", "mac"):
        if not isinstance(block.get(name), str) or not block[name]:
            raise SecretError(
                f"the sops block has no {name}", "it was cut or edited; restore the file from git"
            )
    try:
        return msgspec.convert(block, Metadata)
    except msgspec.ValidationError:
        raise UnusualError("the sops block has fields that are not known here") from None


def groups(block: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """Iterate over the block and its key groups: everything that may hold master keys."""
    yield block
    nested = block.get("key_groups")
    if isinstance(nested, list):
        yield from (group for group in nested if isinstance(group, Mapping))


def key_types(block: Mapping[str, object]) -> tuple[str, ...]:
    """Return the kinds of master keys a block names, whether or not the rest of it is sound."""
    present = {name for group in groups(block) for name in KEY_TYPES if group.get(name)}
    return tuple(name for name in KEY_TYPES if name in present)


def age_recipients(block: Mapping[str, object]) -> tuple[str, ...]:
    """Return the age recipients a block says it is encrypted to."""
    return tuple(
        str(stanza.get("recipient", ""))
        for group in groups(block)
        for stanza in mappings(group.get("age"))
    )


def mappings(value: object) -> Iterator[Mapping[str, object]]:
    """Iterate over the mappings in what should be a list of them."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))
