"""What a plan warns of or refuses, as SARIF for code scanning services; changes are left out."""

from __future__ import annotations

from modelops.config.files import SETTINGS
from modelops.config.report import render as report
from modelops.config.report.document import Report
from modelops.plan.document import Check, Plan
from modelops.resources.configuration import Diagnostic, Position


def render(plan: Plan) -> str:
    """Return one SARIF run; a check without a line of its own is placed at the settings."""
    found = tuple(_diagnostic(check) for check in plan.checks)
    return report(Report(folder=plan.git_prefix or ".", diagnostics=found), "sarif")


def _diagnostic(check: Check) -> Diagnostic:
    return Diagnostic(
        position=Position(check.file or SETTINGS, check.line or 1, 1),
        severity="error" if check.level == "refused" else "warning",
        rule=check.rule,
        message=check.message,
        hint=check.hint,
    )
