"""Diagnostics as one JSON document, fields only ever added."""

from __future__ import annotations

import msgspec

from modelops.config.report.document import Report

FORMAT_VERSION = 1


def render(report: Report) -> str:
    """Return the report as indented JSON."""
    document = {
        "format_version": FORMAT_VERSION,
        "valid": report.errors == 0,
        "summary": {
            name: getattr(report, name)
            for name in ("files", "providers", "models", "chains", "agents", "errors", "warnings")
        },
        "diagnostics": [
            {
                "severity": found.severity,
                "rule": found.rule,
                "file": found.position.file,
                "line": found.position.line,
                "column": found.position.column,
                "message": found.message,
                "hint": found.hint,
            }
            for found in report.diagnostics
        ],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
