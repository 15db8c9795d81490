"""What a store keeps of a secret, and how a set of them follows a configuration.

Secrets are not part of a revision: a rollback keeps the newest. One row per address and field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from modelops.resources.configuration import SecretSource
from modelops.secrets.sops.ciphertext import ciphertext_bytes

Place = tuple[str, str]
"""Address and field: the key of a secret."""

Written = Literal["new", "changed", "re-encrypted", "origin changed", "unchanged"]
SecretAction = Literal[Written, "gone"]
"""`re-encrypted`: the file has another data key (sops rotate), so every ciphertext in it is new,
whether or not its value is; without a key nobody can tell."""

SecretNote = Literal["", "new", "changed", "re-encrypted", "re-sealed", "origin changed"]
"""What is told of a secret: `re-sealed` is the same one for other recipients, '' nothing."""


class SealedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a store's table of secrets; all of it is persisted, none of it is secret.

    `(address, field)` is the primary key. `kind` and `source` repeat where the secret came from:
    `source_sha256` is `source_hash`, so that a plan needs no key; `data_key_sha256` as in
    SecretSource. `origin` is the scheme://host:port the secret was sealed for. `blob` is
    the seal, '' for a reference, which the server opens itself. Times are Unix microseconds;
    `deleted_at` is None while the resource is declared: a deleted one's blob is kept for 30 days,
    and a replaced one is overwritten. Of what it replaced a row keeps in `replaced` the
    `source_sha256` and the origin, a line each: who finds it in git's history must not send it
    elsewhere.
    """

    address: str
    field: str
    kind: Literal["sops", "env", "file"]
    source_sha256: str
    data_key_sha256: str
    origin: str
    blob: str
    updated_at: int
    deleted_at: int | None = None
    replaced: str = ""

    @property
    def place(self) -> Place:
        """Address and field."""
        return self.address, self.field


class SecretChange(msgspec.Struct, frozen=True, kw_only=True):
    """What applying would do to one secret; what a plan shows, without a key and without a value.

    `copied_from` names the place that holds the same ciphertext or reference for another origin:
    such a change may send a key to whom it was not meant for, and needs consent.
    """

    address: str
    field: str
    action: SecretAction
    origin: str
    old_origin: str = ""
    copied_from: str = ""


def source_hash(source: SecretSource) -> str:
    """Return the hash by which a source is recognized: of ciphertext or name, not of the value."""
    identity = ciphertext_bytes(source.value) if source.kind == "sops" else source.value.encode()
    return hashlib.sha256(source.kind.encode() + b":" + identity).hexdigest()


def secret_changes(
    old: Sequence[SealedSecret], new: Sequence[SecretSource]
) -> tuple[SecretChange, ...]:
    """Return what becomes of every secret, by address and field; needs no key."""
    standing = {row.place: row for row in old if row.deleted_at is None}
    declared = {(source.address, source.field): source for source in new}
    known = _known(old)
    changes = [_change(source, standing.get(place), known) for place, source in declared.items()]
    changes += [
        SecretChange(address=row.address, field=row.field, action="gone", origin=row.origin)
        for place, row in standing.items()
        if place not in declared
    ]
    return tuple(sorted(changes, key=lambda change: (change.address, change.field)))


def remembering(row: SealedSecret, before: SealedSecret | None) -> SealedSecret:
    """Return a row that is to be written with what the one `before` it was, and remembered."""
    lines = (
        [*before.replaced.splitlines(), f"{before.source_sha256} {before.origin}"] if before else []
    )
    itself = f"{row.source_sha256} {row.origin}"
    kept = (line for line in dict.fromkeys(lines) if line != itself)
    return msgspec.structs.replace(row, replaced="\n".join(kept))


def renamed(rows: Iterable[SealedSecret], moved: Mapping[str, str]) -> list[SealedSecret]:
    """Return the rows, those in use of a moved resource at its new address.

    `moved` maps new addresses to old ones. For comparing: a seal opens where it was made for alone.
    """
    now = {old: new for new, old in moved.items()}
    return [
        msgspec.structs.replace(row, address=now[row.address])
        if row.address in now and row.deleted_at is None
        else row
        for row in rows
    ]


def note_of(row: SealedSecret, before: SealedSecret | None) -> SecretNote:
    """Return what writing a row does to the secret; `before` is the row in use so far, if any."""
    action = _action(row, row.source_sha256, before)
    return "re-sealed" if action == "unchanged" else action


def unconsented(
    changes: Sequence[SecretChange], allowed: Collection[str]
) -> tuple[SecretChange, ...]:
    """Return the changes that send a known secret to a new origin at an address not allowed to."""
    return tuple(
        change for change in changes if change.copied_from and change.address not in allowed
    )


def _known(rows: Sequence[SealedSecret]) -> Mapping[str, Mapping[str, str]]:
    """Return by source hash the origins it was sealed for, each with the address that did.

    Rows of deleted resources count, and what was replaced: it may still be valid at the provider.
    Of a source that stands somewhere only the origins where it stands do.
    """
    known: dict[str, dict[str, str]] = {}
    replaced: dict[str, dict[str, str]] = {}
    for row in rows:
        known.setdefault(row.source_sha256, {})[row.origin] = row.address
        for line in row.replaced.splitlines():
            source_sha256, _, origin = line.partition(" ")
            replaced.setdefault(source_sha256, {})[origin] = row.address
    return replaced | known


def _change(
    source: SecretSource, row: SealedSecret | None, known: Mapping[str, Mapping[str, str]]
) -> SecretChange:
    source_sha256 = source_hash(source)
    origins = known.get(source_sha256, {})
    return SecretChange(
        address=source.address,
        field=source.field,
        action=_action(source, source_sha256, row),
        origin=source.origin,
        old_origin=row.origin if row and row.origin != source.origin else "",
        copied_from="" if source.origin in origins else next(iter(origins.values()), ""),
    )


def _action(
    source: SecretSource | SealedSecret, source_sha256: str, row: SealedSecret | None
) -> Written:
    if row is None:
        return "new"
    if row.source_sha256 == source_sha256:
        return "unchanged" if row.origin == source.origin else "origin changed"
    if row.kind == source.kind == "sops" and row.data_key_sha256 != source.data_key_sha256:
        return "re-encrypted"
    return "changed"
