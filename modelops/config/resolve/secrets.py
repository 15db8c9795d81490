"""Where secrets come from, and where they may go; never what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Literal

from modelops.config import urls
from modelops.config.declaration import Declaration
from modelops.config.yaml import Document
from modelops.resources import declared, resolved
from modelops.resources.configuration import SecretSource

Written = str | declared.SecretReference | None


def secret_form(secret: Written) -> str:
    """Return what a resolved resource says of a secret: '', `sealed`, `env:NAME`, `file:NAME`."""
    kind, value = _source(secret)
    if kind == "sops":
        return "sealed"
    return f"{kind}:{value}" if value else ""


def secret_sources(
    declaration: Declaration, providers: Mapping[str, resolved.Provider]
) -> Iterator[SecretSource]:
    """Yield every secret that is declared for a provider which could be resolved."""
    for name, provider in declaration.providers.items():
        if name in providers and provider.value.api_key is not None:
            yield _secret(
                provider.address,
                "api_key",
                provider.value.api_key,
                providers[name],
                provider.document,
            )
    for agent in declaration.agents.values():
        for credential in agent.value.credentials:
            if credential.provider in providers:
                yield _secret(
                    agent.address,
                    f"credentials[{credential.provider}].api_key",
                    credential.api_key,
                    providers[credential.provider],
                    agent.document,
                )


def _secret(
    address: str, field: str, secret: Written, provider: resolved.Provider, document: Document
) -> SecretSource:
    kind, value = _source(secret)
    return SecretSource(
        address=address,
        field=field,
        kind=kind,
        value=value,
        origin=urls.origin(provider.base_url),
        file=document.file,
        data_key_sha256=_data_keys(document) if kind == "sops" else "",
    )


def _data_keys(document: Document) -> str:
    """Return the hash of a file's wrapped data keys: it changes when they are wrapped anew."""
    wrapped = sorted(_wrapped(document.sops))
    return hashlib.sha256("\n".join(wrapped).encode()).hexdigest()


def _wrapped(block: object) -> Iterator[str]:
    """Yield every `enc` of a SOPS block: each kind of recipient keeps its copy under that name."""
    if isinstance(block, list):
        for item in block:
            yield from _wrapped(item)
    elif isinstance(block, Mapping):
        for name, value in block.items():
            if name == "enc" and isinstance(value, str):
                yield value
            else:
                yield from _wrapped(value)


def _source(secret: Written) -> tuple[Literal["sops", "env", "file"], str]:
    if isinstance(secret, str):
        return "sops", secret
    if secret is not None and secret.env is not None:
        return "env", secret.env
    return "file", (secret.file or "") if secret is not None else ""
