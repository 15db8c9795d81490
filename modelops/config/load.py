"""The whole config road up to plan: a folder in, a resolved configuration or every problem out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from modelops.config import zones
from modelops.config.checks import check
from modelops.config.checks.subject import Subject
from modelops.config.declaration import Declaration, declare
from modelops.config.diagnostics import InvalidConfigurationError, ordered
from modelops.config.digest import config_digest
from modelops.config.positions import Positions
from modelops.config.report.document import Report
from modelops.config.resolve import Resolution, resolve
from modelops.resources import patterns
from modelops.resources.configuration import Configuration, Diagnostic
from modelops.resources.errors import ModelopsError


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A folder looked at: what it declares, what that resolves to, and all that was found."""

    declaration: Declaration
    resolution: Resolution
    diagnostics: tuple[Diagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether there are no errors."""
        return all(found.severity != "error" for found in self.diagnostics)

    @property
    def report(self) -> Report:
        """What was found, with how much was looked at."""
        declaration = self.declaration
        return Report(
            folder=declaration.folder.as_posix(),
            diagnostics=self.diagnostics,
            files=len(declaration.sources),
            providers=len(declaration.providers),
            models=sum(len(entry.value.models) for entry in declaration.providers.values()),
            chains=len(declaration.chains),
            agents=len(declaration.agents),
        )


def inspect(folder: Path, environment: str = "", now: datetime | None = None) -> Inspection:
    """Return everything there is to say of a folder, valid or not; for `validate` and editors.

    `now`, which is aware, decides with the configuration's time zone which keys have expired.
    Raises ModelopsError when there is no configuration to look at.
    """
    if environment and re.search(patterns.NAME, environment) is None:
        raise ModelopsError(
            f"{environment!r} is not the name of an environment",
            "use lower-case letters, digits and hyphens",
        )
    declaration, problems = declare(folder, environment)
    resolution = resolve(declaration)
    subject = Subject(
        declaration=declaration,
        resolution=resolution,
        today=_today(declaration, now or datetime.now(UTC)),
    )
    diagnostics = ordered([*problems, *check(subject)])
    return Inspection(declaration=declaration, resolution=resolution, diagnostics=diagnostics)


def load(folder: Path, environment: str = "", now: datetime | None = None) -> Configuration:
    """Return the configuration of a folder; InvalidConfigurationError when it has errors."""
    inspection = inspect(folder, environment, now)
    declaration, resolution = inspection.declaration, inspection.resolution
    settings = declaration.settings
    if not inspection.valid or settings is None:
        raise InvalidConfigurationError(inspection.report)
    return Configuration(
        config=settings.value.config,
        environment=environment,
        state=resolution.state(),
        positions=Positions(declaration),
        secrets=resolution.secrets,
        moved=tuple((move.from_, move.to) for move in settings.value.moved),
        removed=settings.value.removed,
        config_digest=config_digest(declaration.sources, environment),
        warnings=inspection.diagnostics,
    )


def _today(declaration: Declaration, now: datetime) -> date:
    settings = declaration.settings
    return zones.day(now, settings.value.timezone if settings else "UTC")
