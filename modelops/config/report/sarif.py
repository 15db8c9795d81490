"""Diagnostics as SARIF 2.1.0, which code scanning services read."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from modelops import __version__
from modelops.config.report.document import Report
from modelops.config.rules import RULES
from modelops.resources.configuration import Diagnostic

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render(report: Report) -> str:
    """Return one SARIF run with every rule that found something."""
    found_by = sorted({found.rule for found in report.diagnostics})
    document = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "modelops",
                        "version": __version__,
                        "rules": [_rule(name) for name in found_by],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(report, found) for found in report.diagnostics],
            }
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def _rule(name: str) -> dict[str, object]:
    rule = RULES.get(name)
    if rule is None:  # of a plan
        return {"id": name}
    return {
        "id": name,
        "fullDescription": {"text": rule.doc},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(report: Report, found: Diagnostic) -> dict[str, object]:
    hint = f" ({found.hint})" if found.hint else ""
    region = {"startLine": found.position.line, "startColumn": found.position.column}
    location = {"artifactLocation": {"uri": quote(report.path(found))}, "region": region}
    return {
        "ruleId": found.rule,
        "level": found.severity,
        "message": {"text": found.message + hint},
        "locations": [{"physicalLocation": location}],
    }
