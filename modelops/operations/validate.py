"""Say all that is wrong with a configuration folder. Needs no key, no store and no network."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from modelops.config.load import inspect
from modelops.config.report.document import Report


def validate(folder: Path, environment: str, now: datetime) -> Report:
    """Return what was found in a folder; ModelopsError when it holds no configuration.

    `now`, which is aware, decides which keys have expired.
    """
    return inspect(folder, environment, now).report
