"""What a worker serves: one revision, compiled. Immutable, and swapped whole.

Everything the request road needs of a revision is made here, once, when it goes live: the routing
table, the keyring, the names. The state itself stays at hand for the `/api` reports.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from modelops.gateway.table import RoutingTable, compile_table
from modelops.resources.resolved import Agent, Chain, Model, Provider
from modelops.resources.state import State, agents, chains, models, providers
from modelops.secrets.errors import SecretError
from modelops.secrets.references import open_reference
from modelops.secrets.secret import Secret
from modelops.server.keys import Keyring, compile_keyring
from modelops.store.protocol import Head, Snapshot


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """One revision, ready to serve.

    `secret_errors` says by address why a secret could not be opened; never a value.
    `secret_files` holds what the `file:` references held when they were read.
    """

    head: Head
    state: State
    table: RoutingTable
    keyring: Keyring
    providers: Mapping[str, Provider]
    models: Mapping[str, Model]
    chains: Mapping[str, Chain]
    agents: Mapping[str, Agent]
    secret_errors: Mapping[str, str]
    secret_files: Mapping[str, Secret | None]


def compile_live(
    snapshot: Snapshot, simulator_url: str, environ: Mapping[str, str] = os.environ
) -> Live:
    """Return what serves this snapshot; ModelopsError or ValueError when it cannot be served."""
    state = snapshot.state
    errors: dict[str, str] = {}
    files: dict[str, Secret | None] = {}

    def open_secret(address: str, field: str) -> Secret | None:
        reference = _reference(state, address, field)
        secret, error = _open(reference, environ)
        if error:
            errors[address] = f"{field}: {error}"
        if reference.startswith("file:"):
            files[reference] = secret
        return secret

    table = compile_table(snapshot.head.revision, state, open_secret, simulator_url=simulator_url)
    return Live(
        head=snapshot.head,
        state=state,
        table=table,
        keyring=compile_keyring(state),
        providers=providers(state),
        models=models(state),
        chains=chains(state),
        agents=agents(state),
        secret_errors=errors,
        secret_files=files,
    )


def secret_files_changed(live: Live, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether a file that holds a secret holds another one now, or none, or one at last."""
    return any(
        _open(reference, environ)[0] != secret for reference, secret in live.secret_files.items()
    )


def _open(reference: str, environ: Mapping[str, str]) -> tuple[Secret | None, str]:
    """Return the secret, or None and why there is none."""
    try:
        return open_reference(reference, environ), ""
    except SecretError as error:
        return None, error.message


def _reference(state: State, address: str, field: str) -> str:
    """Return where the secret of a field is: `env:NAME`, `file:NAME` or `sealed`."""
    resource = state[address]
    if isinstance(resource, Provider):
        return resource.api_key
    if isinstance(resource, Agent):
        for credential in resource.credentials:
            if field == f"credentials[{credential.provider}].api_key":
                return credential.api_key
    raise ValueError(f"{address} has no secret in {field}")
