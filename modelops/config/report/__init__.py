"""What was found in a configuration, for people and for programs: one renderer per format."""

from __future__ import annotations

from modelops.config.report import github, json, sarif, text
from modelops.config.report.document import Report

PROGRAM_FORMATS = ("json", "github", "sarif")
"""Formats that something other than a person reads."""

FORMATS = ("text", *PROGRAM_FORMATS)


def render(report: Report, output_format: str) -> str:
    """Return a report in one of FORMATS, ending in a line break."""
    match output_format:
        case "json":
            return json.render(report)
        case "github":
            return github.render(report)
        case "sarif":
            return sarif.render(report)
        case _:
            return text.render(report)
