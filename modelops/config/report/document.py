"""The data that every renderer of diagnostics starts from."""

from __future__ import annotations

import msgspec

from modelops.resources.configuration import Diagnostic, Severity


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All diagnostics of one folder, by position, and how much was looked at.

    `folder` is the folder as the caller named it; positions are relative to it.
    """

    folder: str
    diagnostics: tuple[Diagnostic, ...]
    files: int = 0
    providers: int = 0
    models: int = 0
    chains: int = 0
    agents: int = 0

    @property
    def errors(self) -> int:
        """How many errors were found."""
        return self._count("error")

    @property
    def warnings(self) -> int:
        """How many warnings were found."""
        return self._count("warning")

    @property
    def summary(self) -> str:
        """One line that stands alone in a log."""
        seen = ", ".join(
            counted(getattr(self, name), name.removesuffix("s"))
            for name in ("files", "providers", "models", "chains", "agents")
        )
        return f"{seen}: {counted(self.errors, 'error')}, {counted(self.warnings, 'warning')}"

    def path(self, diagnostic: Diagnostic) -> str:
        """Return the file of a diagnostic as seen from where the command runs."""
        file = diagnostic.position.file
        return file if self.folder == "." else f"{self.folder.rstrip('/')}/{file}"

    def _count(self, severity: Severity) -> int:
        return sum(found.severity == severity for found in self.diagnostics)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
