"""Diagnostics as lines that editors and terminals can jump from."""

from __future__ import annotations

from modelops.config.report.document import Report


def render(report: Report) -> str:
    """Return one line for each diagnostic, and the summary."""
    lines = [
        f"{found.position}: {'warning: ' if found.severity == 'warning' else ''}{found.message}"
        f"{f' ({found.hint})' if found.hint else ''} [{found.rule}]"
        for found in report.diagnostics
    ]
    return "\n".join([*lines, report.summary]) + "\n"
