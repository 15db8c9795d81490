"""Doctor: explain why something does not work, before anybody has to guess.

Each module looks at one thing and reports findings; nothing is changed, no secret is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from modelops.config.declaration import Declaration, declare
from modelops.operations.doctor import files, keys, machine, storage
from modelops.operations.doctor.finding import Finding
from modelops.resources.errors import ModelopsError


async def examine(
    folder: Path,
    environment: str,
    store_url: str,
    environ: Mapping[str, str],
    now: datetime,
    port: int = machine.DEFAULT_PORT,
) -> tuple[Finding, ...]:
    """Return everything that was looked at, good and bad, in the order of the config road.

    `port` is the one to serve on.
    """
    findings: list[Finding] = []
    declaration = _declaration(folder, environment, findings)
    findings += machine.sops_program(environ)
    findings += keys.at_hand(environ)
    if declaration is not None:
        findings += files.encryption(declaration, environ)
        findings += keys.references(declaration, environ)
    findings += keys.server(folder, declaration, environ)
    findings += await storage.store(store_url, declaration, now)
    findings += machine.port(port)
    findings += machine.clock(now, declaration)
    return tuple(findings)


def _declaration(folder: Path, environment: str, findings: list[Finding]) -> Declaration | None:
    try:
        declaration, problems = declare(folder, environment)
    except ModelopsError as error:
        findings.append(Finding("fail", "configuration", str(folder), error.message, error.hint))
        return None
    errors = [problem for problem in problems if problem.severity == "error"]
    count = f"{len(declaration.sources)} files"
    if errors:
        message = f"{count}, {len(errors)} cannot be used: {errors[0]}"
        findings.append(
            Finding("fail", "configuration", str(folder), message, "see all: modelops validate")
        )
    else:
        findings.append(Finding("ok", "configuration", str(folder), count))
    return declaration
