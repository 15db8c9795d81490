"""What was written, else what is known, else the default; and a note of which it was."""

from __future__ import annotations

from typing import TypeVar

from modelops.resources.resolved import Source

T = TypeVar("T")


class Fill:
    """Takes the first value that is there, and notes by path where it came from."""

    def __init__(self, written: object) -> None:
        self.written = written if isinstance(written, dict) else {}
        self.sources: dict[str, Source] = {}

    def first(self, path: str, written: T | None, *others: tuple[Source, T | None]) -> T | None:
        """Return the written value, else the first of the others that is not None."""
        if written is not None:
            return written
        for source, value in others:
            if value is not None:
                self.sources[path] = source
                return value
        self.sources[path] = "default"
        return None

    def default(self, path: str, written: T | None, default: T) -> T:
        """Return the written value, else the default."""
        if written is not None:
            return written
        self.sources[path] = "default"
        return default

    def fixed(self, *names: str) -> None:
        """Note the fields that nobody wrote and whose default stands in the form itself."""
        for name in names:
            if name not in self.written:
                self.sources[name] = "default"
