"""How the config room says what it found: rule, position, message, hint, and the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from modelops.config.key_shapes import hidden
from modelops.config.rules import Rule
from modelops.resources.configuration import Diagnostic, Position
from modelops.resources.errors import ModelopsError
from modelops.resources.visible import visible

if TYPE_CHECKING:
    from modelops.config.report.document import Report


class InvalidConfigurationError(ModelopsError):
    """A configuration has errors (exit 1). `report` holds its warnings too."""

    def __init__(self, report: Report) -> None:
        errors = [str(found) for found in report.diagnostics if found.severity == "error"]
        count = f"{len(errors)} error" + ("s" if len(errors) != 1 else "")
        lines = (f"the configuration in {report.folder} has {count}:", *errors)
        super().__init__("\n  ".join(lines))
        self.report = report

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything that was found, by position."""
        return self.report.diagnostics


def found(rule: Rule, position: Position, message: str, hint: str = "") -> Diagnostic:
    """Return what a rule found at a place; its words hold no key, and only what can be seen."""
    return Diagnostic(
        position=position,
        severity=rule.severity,
        rule=rule.id,
        message=visible(hidden(message)),
        hint=visible(hidden(hint)),
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that names what is spelled most like `name`, or ''."""
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {nearest[0]!r}?" if nearest else ""


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of a run by file and position, each once."""
    return tuple(
        sorted(set(diagnostics), key=lambda found: (found.position, found.rule, found.message))
    )
