"""Diagnostics as GitHub workflow commands, which show as annotations on a pull request."""

from __future__ import annotations

from modelops.config.report.document import Report
from modelops.resources.configuration import Diagnostic


def render(report: Report) -> str:
    """Return one workflow command for each diagnostic, and the summary as a plain line."""
    lines = [_command(report, found) for found in report.diagnostics]
    return "\n".join([*lines, report.summary]) + "\n"


def _command(report: Report, found: Diagnostic) -> str:
    hint = f" ({found.hint})" if found.hint else ""
    place = ",".join(
        f"{name}={_property(str(value))}"
        for name, value in (
            ("file", report.path(found)),
            ("line", found.position.line),
            ("col", found.position.column),
            ("title", f"modelops {found.rule}"),
        )
    )
    return f"::{found.severity} {place}::{_data(found.message + hint)}"


def _data(text: str) -> str:
    """Escape as the runner unescapes: https://github.com/actions/toolkit command.ts."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
