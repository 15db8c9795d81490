"""Secrets in a plan: seen from hashes of their ciphertext, so that planning needs no key.

A secret has no value here, only a note on what becomes of it. Where the resource itself shows the
change (a key that is added, or read from another variable), that line says it already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelops.plan.document import Change, Check, FieldChange
from modelops.resources.addresses import order
from modelops.resources.configuration import Configuration
from modelops.resources.state import State
from modelops.secrets.sealed import Place, SecretChange, SecretNote, unconsented


class SecretFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a configuration's secrets before any is opened.

    `resealed` are the places whose secret stays, and is sealed to other recipients; `consent` the
    addresses whose secrets may go to a new origin; `recipients` whom secrets can be sealed to.
    """

    changes: tuple[SecretChange, ...] = ()
    resealed: frozenset[Place] = frozenset()
    consent: frozenset[str] = frozenset()
    recipients: bool = True


def with_secrets(
    changes: Iterable[Change], facts: SecretFacts, configuration: Configuration
) -> list[Change]:
    """Return the changes with a note for each secret that changes."""
    fields = (
        (secret.address, _field(secret, note))
        for secret in facts.changes
        if (note := _note(secret, facts))
    )
    return noted(changes, fields, configuration.state)


def noted(
    changes: Iterable[Change], secrets: Iterable[tuple[str, FieldChange]], after: State
) -> list[Change]:
    """Return the changes with these fields, by address; a secret alone is an update."""
    by_address = {change.address: change for change in changes}
    for address, field in secrets:
        before = by_address.get(address, Change(action="update", address=address))
        if address in after and not _shown(before, field.path):
            fields = (*before.fields, field)
            by_address[address] = msgspec.structs.replace(before, fields=fields)
    return sorted(by_address.values(), key=lambda change: order(change.address))


def refusals(facts: SecretFacts, configuration: Configuration) -> Iterator[Check]:
    """Yield why secrets keep the plan from being applied."""
    for change in unconsented(facts.changes, facts.consent):
        position = configuration.position(change.address, change.field)
        so_far = change.old_origin or f"where {change.copied_from} sends it"
        yield Check(
            rule="secret-origin",
            level="refused",
            address=change.address,
            message=(
                f"{change.field} of {change.address} would be sent to {change.origin}, "
                f"so far it went to {so_far}"
            ),
            hint=f"if it is meant: modelops apply --allow-origin-change {change.address}",
            file=position.file if position else "",
            line=position.line if position else 0,
        )
    if not facts.recipients and any(source.kind == "sops" for source in configuration.secrets):
        yield Check(
            rule="no-recipients",
            level="refused",
            message="no server_recipients are declared, and a remote store needs them",
            hint=(
                "`modelops identity show` on the server prints its public key (`create` makes it): "
                "name it under `server_recipients:` in modelops.yaml"
            ),
        )


def _note(secret: SecretChange, facts: SecretFacts) -> SecretNote:
    if secret.action == "unchanged":
        return "re-sealed" if (secret.address, secret.field) in facts.resealed else ""
    return "" if secret.action == "gone" else secret.action


def _shown(change: Change, field: str) -> bool:
    return change.action == "create" or any(
        field == shown.path or field.startswith(f"{shown.path}.") for shown in change.fields
    )


def _field(secret: SecretChange, note: SecretNote) -> FieldChange:
    moved = note == "origin changed"
    return FieldChange(
        path=secret.field,
        old=secret.old_origin if moved else None,
        new=secret.origin if moved else None,
        secret=note,
    )
