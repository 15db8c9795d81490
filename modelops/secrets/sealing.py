"""From a configuration to the rows of secrets that apply commits, and back to keys on the server.

Only what is new, or would not open where it is now, is opened and sealed; the rest keeps its row.
Recipients come from the files under review and never from the store, where whoever can write could
plant one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from modelops.config.urls import origin
from modelops.resources.configuration import Configuration, SecretSource
from modelops.resources.resolved import Provider
from modelops.resources.state import State, settings
from modelops.secrets.errors import SecretError
from modelops.secrets.identities import Identity
from modelops.secrets.references import checked
from modelops.secrets.seal import Binding, key_id, seal, sealed_to, unseal
from modelops.secrets.sealed import Place, SealedSecret, source_hash
from modelops.secrets.secret import Secret


def recipients(configuration: Configuration) -> tuple[str, ...]:
    """Return whom the configuration declares that secrets are sealed to; () for nobody."""
    declared = settings(configuration.state)
    return declared.server_recipients if declared else ()


def stale_sources(
    configuration: Configuration, rows: Sequence[SealedSecret], to: Sequence[str]
) -> tuple[SecretSource, ...]:
    """Return the sources whose row is missing or no longer fits: other ciphertext, origin, keys."""
    standing = {row.place: row for row in rows if row.deleted_at is None}
    return tuple(
        source
        for source in configuration.secrets
        if _is_stale(source, standing.get((source.address, source.field)), to)
    )


def rows_to_write(
    configuration: Configuration,
    rows: Sequence[SealedSecret],
    opened: Mapping[Place, Secret],
    to: Sequence[str],
    now_us: int,
) -> tuple[SealedSecret, ...]:
    """Return the rows that apply puts: those sealed anew, and those whose resource is gone.

    `opened` holds the secrets of `stale_sources` that are `sops`. A row put replaces the one of its
    address and field, so a replaced seal is erased.
    """
    declared = {(source.address, source.field) for source in configuration.secrets}
    written = [
        _row(configuration, source, opened, to, now_us)
        for source in stale_sources(configuration, rows, to)
    ]
    written += [
        msgspec.structs.replace(row, deleted_at=now_us)
        for row in rows
        if row.deleted_at is None and row.place not in declared
    ]
    return tuple(written)


def open_row(
    rows: Mapping[Place, SealedSecret], binding: Binding, identities: Sequence[Identity]
) -> Secret:
    """Return the key that a `sealed` field of the live revision stands for.

    SecretError says why there is none: no row, deleted, sealed to other keys or for another place.
    """
    row = rows.get((binding.address, binding.field))
    if row is None or not row.blob or row.deleted_at is not None:
        raise SecretError(
            "the store holds no key for it",
            "apply from the configuration, where the key is encrypted",
        )
    return checked(unseal(row.blob, binding, identities).reveal(), "the sealed key")


def binding(config: str, environment: str, state: State, address: str, field: str) -> Binding:
    """Return where a secret of a state belongs, its origin taken from the provider as it is now."""
    owner = address
    if not address.startswith("provider/"):
        owner = f"provider/{field.removeprefix('credentials[').partition(']')[0]}"
    provider = state.get(owner)
    if not isinstance(provider, Provider):
        raise SecretError(f"{address} has a key for {owner}, which is not declared")
    return Binding(
        config=config,
        environment=environment,
        address=address,
        field=field,
        origin=origin(provider.base_url),
    )


def _is_stale(source: SecretSource, row: SealedSecret | None, to: Sequence[str]) -> bool:
    if row is None or row.source_sha256 != source_hash(source) or row.origin != source.origin:
        return True
    return source.kind == "sops" and sealed_to(row.blob) != {key_id(recipient) for recipient in to}


def _row(
    configuration: Configuration,
    source: SecretSource,
    opened: Mapping[Place, Secret],
    to: Sequence[str],
    now_us: int,
) -> SealedSecret:
    blob = ""
    if source.kind == "sops":
        bound = Binding(
            config=configuration.config,
            environment=configuration.environment,
            address=source.address,
            field=source.field,
            origin=source.origin,
        )
        blob = seal(opened[source.address, source.field], bound, to)
    return SealedSecret(
        address=source.address,
        field=source.field,
        kind=source.kind,
        source_sha256=source_hash(source),
        data_key_sha256=source.data_key_sha256,
        origin=source.origin,
        blob=blob,
        updated_at=now_us,
    )
