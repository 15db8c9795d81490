"""What a worker serves: one revision, compiled. Immutable, and swapped whole.

Everything the request road needs of a revision is made here, once, when it goes live: the routing
table, the keyring, the names. The state itself stays at hand for the `/api` reports.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelops.gateway.table import RoutingTable, compile_table
from modelops.resources.resolved import Agent, Chain, Model, Provider
from modelops.resources.state import State, agents, chains, models, providers
from modelops.secrets.secret import Secret
from modelops.server.keys import Keyring, compile_keyring
from modelops.server.opener import Opener
from modelops.store.protocol import Head, Snapshot


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """One revision, ready to serve.

    `secret_errors` says by address why a secret could not be opened; never a value.
    `secret_files` holds what the `file:` references held when they were read, `key_masks` the last
    characters of keys, by address.
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
    key_masks: Mapping[str, str]

    def broken(self) -> dict[str, str]:
        """Return by name why each provider that should be usable is not."""
        return {
            name: self.secret_errors.get(self.providers[name].address, provider.error)
            for name, provider in self.table.providers.items()
            if provider.enabled and not provider.usable
        }


def compile_live(snapshot: Snapshot, open_secret: Opener, simulator_url: str) -> Live:
    """Return what serves this snapshot; ModelopsError or ValueError when it cannot be served."""
    state = snapshot.state
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
        secret_errors=open_secret.errors,
        secret_files=open_secret.files,
        key_masks=open_secret.masks,
    )
