"""Keys at hand, the server's identity, and the references that the server will open."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modelops.config.declaration import Declaration
from modelops.operations.doctor.finding import Finding
from modelops.operations.identity import STATE_DIRECTORY
from modelops.resources.declared import SecretReference
from modelops.secrets import identities as age
from modelops.secrets import server_identity
from modelops.secrets.errors import SecretError
from modelops.secrets.references import open_reference


def at_hand(environ: Mapping[str, str]) -> list[Finding]:
    """Return which age identities whoever runs this has."""
    try:
        found = age.at_hand(environ)
    except SecretError as error:
        return [Finding("fail", "keys", "age", error.message, error.hint)]
    findings = [Finding("ok", "keys", identity.recipient, "at hand") for identity in found]
    if not found:
        message = "no age identity is at hand, so no encrypted key can be read here"
        hint = "sops looks in SOPS_AGE_KEY, SOPS_AGE_KEY_FILE and sops/age/keys.txt"
        findings.append(Finding("note", "keys", "age", message, hint))
    for path in (environ.get("SOPS_AGE_KEY_FILE"), age.default_file(environ)):
        if path and Path(path).is_file() and Path(path).stat().st_mode & 0o077:
            message = "other users of this machine may read it"
            findings.append(Finding("warning", "keys", str(path), message, f"chmod 600 {path}"))
    return findings


def server(
    folder: Path, declaration: Declaration | None, environ: Mapping[str, str]
) -> list[Finding]:
    """Return whether a server started here could open what is sealed."""
    settings = declaration.settings if declaration else None
    declared = settings.value.server_recipients if settings else ()
    return [*_recipients(declared), _identity(folder, declared, environ)]


def _recipients(declared: Sequence[str]) -> Iterator[Finding]:
    for recipient in declared:
        try:
            age.parse_recipient(recipient)
        except SecretError as error:
            message = f"{error.message}, so nothing can be sealed to it"
            yield Finding("fail", "identity", "server_recipients", message, error.hint)


def _identity(folder: Path, declared: Sequence[str], environ: Mapping[str, str]) -> Finding:
    path = server_identity.location(folder / STATE_DIRECTORY, environ)
    if not os.path.lexists(path):
        message = "there is no server identity here"
        hint = (
            "fine where no server runs"
            if declared
            else "the first apply that needs one makes it, or: modelops identity create"
        )
        return Finding("note", "identity", str(path), message, hint)
    try:
        found = server_identity.load(path)
    except SecretError as error:
        return Finding("fail", "identity", str(path), error.message, error.hint)
    recipients = [identity.recipient for identity in found]
    if declared and not set(declared) & set(recipients):
        message = f"its public half {recipients[0]} is not among server_recipients"
        hint = "a server here could open nothing: declare it and apply"
        return Finding("warning", "identity", str(path), message, hint)
    return Finding("ok", "identity", str(path), ", ".join(recipients))


def references(declaration: Declaration, environ: Mapping[str, str]) -> list[Finding]:
    """Return which references would open here; on the server they may do so all the same."""
    findings = []
    for file, reference in sorted(set(_references(declaration))):
        try:
            open_reference(reference, environ)
        except SecretError as error:
            message = f"{error.message}, here"
            findings.append(Finding("note", "references", file, message, error.hint))
        else:
            findings.append(Finding("ok", "references", file, f"{reference} is there"))
    return findings


def _references(declaration: Declaration) -> Iterator[tuple[str, str]]:
    for provider in declaration.providers.values():
        if isinstance(provider.value.api_key, SecretReference):
            yield provider.document.file, _text(provider.value.api_key)
    for agent in declaration.agents.values():
        for credential in agent.value.credentials:
            if isinstance(credential.api_key, SecretReference):
                yield agent.document.file, _text(credential.api_key)


def _text(reference: SecretReference) -> str:
    return f"env:{reference.env}" if reference.env else f"file:{reference.file}"
