"""The machine: the sops program, the port, the clock."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from modelops import catalog
from modelops.config.declaration import Declaration
from modelops.operations.doctor.finding import Finding
from modelops.secrets.errors import SecretError
from modelops.secrets.sops import program

DEFAULT_PORT = 8400
_VAULT_ALLOWLIST_SINCE = (3, 13, 0)
_CLOCK_TOLERANCE = timedelta(minutes=5)


def sops_program(environ: Mapping[str, str]) -> list[Finding]:
    """Return which sops program would be run, and its traps."""
    try:
        found = program.find(environ)
    except SecretError as error:
        message = f"{error.message}; files encrypted with age are read without it"
        return [Finding("warning", "sops", "program", message, error.hint)]
    version = ".".join(map(str, found.version))
    findings = [Finding("ok", "sops", found.path, version)]
    if found.version < _VAULT_ALLOWLIST_SINCE and "hc_vault" in found.allowed:
        message = f"{version} has no list of allowed Vault servers; only VAULT_ADDR is let through"
        findings.append(Finding("note", "sops", found.path, message, "use 3.13.3 or newer"))
    return findings


def port(number: int) -> list[Finding]:
    """Return whether a port is free on this machine."""
    subject = f"127.0.0.1:{number}"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
        except OSError as error:
            hint = "stop what uses it, or serve with --port"
            return [Finding("note", "port", subject, f"not free: {error.strerror}", hint)]
    return [Finding("ok", "port", subject, "free")]


def clock(now: datetime, declaration: Declaration | None) -> list[Finding]:
    """Return whether the clock can be right: nothing that exists was made after now.

    Certificates, expiry of keys and the times in the books depend on it.
    """
    made = {f"catalog of {catalog.VERSION}": _day(catalog.VERSION)}
    if declaration is not None:
        for source in declaration.sources:
            written = (declaration.folder / source.path).stat().st_mtime
            made[source.path] = datetime.fromtimestamp(written, UTC)
    newest = max(made, key=lambda name: made[name])
    shown = now.isoformat(timespec="seconds")
    if made[newest] > now + _CLOCK_TOLERANCE:
        message = f"{shown} is before {newest} was written: the clock is behind"
        return [Finding("fail", "clock", "now", message, "set it, best by NTP")]
    return [Finding("ok", "clock", "now", shown)]


def _day(version: str) -> datetime:
    return datetime.fromisoformat(version).replace(tzinfo=UTC)
