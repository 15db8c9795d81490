"""Which services the sops binary may call on behalf of a file that somebody proposed.

Key types and addresses come from the file: reading one with a Vault stanza sends the reader's token
to the server it names. So whoever runs this names the key types they trust, and by default no file
makes sops reach a network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelops.secrets.errors import SecretError
from modelops.secrets.sops.metadata import KEY_TYPES, groups, key_types, mappings

ALLOW_VARIABLE = "MODELOPS_SOPS_ALLOW"
DEFAULT_ALLOWED = frozenset({"age", "pgp"})
"""Key types that reach no network."""


def allowed_key_types(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the key types that whoever runs this lets sops use, from MODELOPS_SOPS_ALLOW."""
    named = environ.get(ALLOW_VARIABLE, "")
    wanted = frozenset(filter(None, re.split(r"[\s,]+", named)))
    if unknown := wanted - set(KEY_TYPES):
        raise SecretError(
            f"{ALLOW_VARIABLE} names unknown key types: {', '.join(sorted(unknown))}",
            f"known are {', '.join(KEY_TYPES)}",
        )
    return wanted or DEFAULT_ALLOWED


def check(
    block: Mapping[str, object], allowed: frozenset[str], environ: Mapping[str, str], file: str
) -> None:
    """Refuse a file whose keys would make sops call a service that was not allowed.

    Key types and addresses come from the file, which anyone may have proposed.
    """
    if any(name != name.lower() for group in groups(block) for name in group):
        # newer versions of sops match field names in any case, so that this could be a key type
        raise SecretError(f"{file}: a field of its sops block is not in lower case")
    forbidden = [name for name in key_types(block) if name not in allowed]
    if forbidden:
        raise SecretError(
            f"{file}: reading it takes keys of type {', '.join(forbidden)}, which is not allowed",
            f"if you trust the file, set {ALLOW_VARIABLE}={','.join(key_types(block))}",
        )
    expected = environ.get("VAULT_ADDR", "").rstrip("/")
    for group in groups(block):
        for stanza in mappings(group.get("hc_vault")):
            named = [stanza[key] for key in stanza if key.lower() == "vault_address"]
            if [str(address).rstrip("/") for address in named] != [expected]:
                raise SecretError(
                    f"{file}: it names a Vault server other than VAULT_ADDR, "
                    "which would be sent your token"
                )
