"""Bring the files of a configuration folder into the one layout."""

from __future__ import annotations

from pathlib import Path

import msgspec

from modelops.config import files, text
from modelops.config.diagnostics import InvalidConfigurationError
from modelops.config.fmt import format_text
from modelops.config.report.document import Report
from modelops.resources.configuration import Diagnostic
from modelops.secrets.atomic import replace_file


class Formatted(msgspec.Struct, frozen=True, kw_only=True):
    """Which files had, or with `write` no longer have, another layout; of how many."""

    changed: tuple[str, ...]
    files: int


def format_folder(folder: Path, *, write: bool) -> Formatted:
    """Format every file of a folder; all of them are checked before the first is written.

    InvalidConfigurationError names what is not YAML; nothing is written then.
    """
    sources, problems = files.read(folder)
    formatted: dict[str, bytes] = {}
    for source in sources:
        content = text.decode(source.raw, source.path)
        if isinstance(content, Diagnostic):
            problems.append(content)
            continue
        try:
            result = format_text(content, source.path).encode()
        except InvalidConfigurationError as error:
            problems.extend(error.diagnostics)
            continue
        if result != source.raw:
            formatted[source.path] = result
    if problems:
        raise InvalidConfigurationError(Report(folder=str(folder), diagnostics=tuple(problems)))
    if write:
        for path, result in formatted.items():
            replace_file(folder / path, result)
    return Formatted(changed=tuple(formatted), files=len(sources))
