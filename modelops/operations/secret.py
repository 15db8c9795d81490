"""Set a secret: find the file that declares a provider or agent, and encrypt the value into it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from modelops.config import files, yaml
from modelops.config.yaml import Document
from modelops.resources.errors import ModelopsError
from modelops.secrets.secret import Secret
from modelops.secrets.sops.splice import Path as ValuePath
from modelops.secrets.writing import write_secret


def set_secret(
    folder: Path, address: str, provider: str, secret: Secret, environ: Mapping[str, str]
) -> str:
    """Encrypt a key into the file that declares `provider/NAME` or `agent/NAME`; return the file.

    For an agent, `provider` names the provider that the agent's own key is for.
    """
    file, path = find_place(folder, address, provider)
    write_secret(folder / file, path, secret, environ)
    return file


def find_place(folder: Path, address: str, provider: str) -> tuple[str, ValuePath]:
    """Return the file that declares a provider or agent, and where its key goes in there."""
    kind, _, name = address.partition("/")
    if kind not in ("provider", "agent") or not name:
        raise ModelopsError(
            f"{address!r} has no secret", "name a provider/NAME, or an agent/NAME with --provider"
        )
    if (kind == "agent") != bool(provider):
        raise ModelopsError(
            "--provider names whose key an agent has of its own",
            "write: secret set agent/NAME --provider NAME, or: secret set provider/NAME",
        )
    document = _declaring(folder, kind, name)
    if kind == "agent":
        return document.file, ("credentials", _credential(document, provider), "api_key")
    return document.file, ("api_key",)


def _declaring(folder: Path, kind: str, name: str) -> Document:
    """Return the one file that declares a resource; other files may be broken."""
    sources, _ = files.read(folder)
    documents = [yaml.load(source.raw, source.path) for source in sources if source.kind == kind]
    named = {
        str(document.data[kind]): document
        for document in documents
        if isinstance(document.data, dict) and kind in document.data
    }
    if name not in named:
        near = difflib.get_close_matches(name, named, 1)
        raise ModelopsError(
            f"no file declares {kind}/{name}",
            f"did you mean {kind}/{near[0]}?" if near else f"declare it under {kind}s.d/ first",
        )
    return named[name]


def _credential(document: Document, provider: str) -> int:
    """Return the index of an agent's credential for a provider."""
    data = document.data
    credentials = data.get("credentials") if isinstance(data, dict) else None
    for index, item in enumerate(credentials if isinstance(credentials, list) else ()):
        if isinstance(item, dict) and item.get("provider") == provider:
            return index
    raise ModelopsError(
        f"{document.file} has no credential for {provider}",
        f"add one first:  credentials: [{{provider: {provider}}}]",
    )
