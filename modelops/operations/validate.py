"""Say all that is wrong with a configuration folder. Needs no key, no store and no network."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from modelops.config.load import inspect
from modelops.config.report.document import Report


def validate(folder: Path, environment: str, today: date) -> Report:
    """Return what was found in a folder; ModelopsError when it holds no configuration.

    `today` decides which keys have expired.
    """
    inspection = inspect(folder, environment, today)
    declaration = inspection.declaration
    return Report(
        folder=folder.as_posix(),
        files=len(declaration.sources),
        providers=len(declaration.providers),
        models=sum(len(entry.value.models) for entry in declaration.providers.values()),
        chains=len(declaration.chains),
        agents=len(declaration.agents),
        diagnostics=inspection.diagnostics,
    )
