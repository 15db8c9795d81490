"""Opens the secrets of one revision while it is compiled: seals and references alike.

A secret that is missing or does not open is no failure of the revision: its provider is stepped
over, and why is kept for `/readyz` and the reports. No reason ever holds a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelops.resources.resolved import Agent, Provider
from modelops.secrets import server_identity
from modelops.secrets.errors import SecretError
from modelops.secrets.identities import Identity
from modelops.secrets.references import open_reference
from modelops.secrets.sealed import Place, SealedSecret
from modelops.secrets.sealing import binding, open_row
from modelops.secrets.secret import Secret
from modelops.store.protocol import Snapshot

MASKED_FROM = 24
"""Characters from which four may be shown: providers' keys have 32 and more."""


class Opener:
    """Opens secrets by address and field, as `gateway.table.compile_table` asks for them.

    `errors` says by address why a secret did not open; `files` holds what the `file:` references
    held, None where there was nothing; `masks` shows by address just enough of a provider's key to
    tell it from another.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        sealed: Sequence[SealedSecret],
        state_directory: Path,
        environ: Mapping[str, str],
    ) -> None:
        self._snapshot = snapshot
        self._rows: dict[Place, SealedSecret] = {row.place: row for row in sealed}
        self._identity_file = server_identity.location(state_directory, environ)
        self._identities: Sequence[Identity] | None = None
        self._environ = environ
        self.errors: dict[str, str] = {}
        self.files: dict[str, Secret | None] = {}
        self.masks: dict[str, str] = {}

    def __call__(self, address: str, field: str) -> Secret | None:
        """Return the secret, or None when there is none."""
        reference = self._reference(address, field)
        secret = None
        try:
            secret = self._open(reference, address, field)
        except SecretError as error:
            self.errors[address] = f"{field}: {error.message}"
        if secret is not None and field == "api_key":
            self.masks[address] = masked(secret)
        if reference.startswith("file:"):
            self.files[reference] = secret
        return secret

    def _open(self, reference: str, address: str, field: str) -> Secret:
        if reference != "sealed":
            return open_reference(reference, self._environ)
        if self._identities is None:
            self._identities = server_identity.load(self._identity_file)
        head, state = self._snapshot.head, self._snapshot.state
        bound = binding(head.config, head.environment, state, address, field)
        return open_row(self._rows, bound, self._identities)

    def _reference(self, address: str, field: str) -> str:
        """Return where the secret of a field is: `env:NAME`, `file:NAME` or `sealed`."""
        resource = self._snapshot.state[address]
        if isinstance(resource, Provider):
            return resource.api_key
        if isinstance(resource, Agent):
            for credential in resource.credentials:
                if field == f"credentials[{credential.provider}].api_key":
                    return credential.api_key
        raise ValueError(f"{address} has no secret in {field}")


def masked(secret: Secret) -> str:
    """Return the last four characters of a key behind dots; none of a short one, which is weak."""
    value = secret.reveal()
    return f"...{value[-4:]}" if len(value) >= MASKED_FROM else "..."


def files_changed(files: Mapping[str, Secret | None], environ: Mapping[str, str]) -> bool:
    """Whether the content of a secret file has changed, or the file has appeared or gone."""
    return any(_content(reference, environ) != secret for reference, secret in files.items())


def _content(reference: str, environ: Mapping[str, str]) -> Secret | None:
    try:
        return open_reference(reference, environ)
    except SecretError:
        return None
