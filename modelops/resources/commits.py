"""How a git commit is shown wherever it is named beside other things."""

from __future__ import annotations

DIRTY = "-dirty"
"""What git itself adds to a commit whose files had changes that are in no commit."""

_DIGITS = 10


def short(commit: str) -> str:
    """Return the first digits of a commit, with the mark of one that had uncommitted changes."""
    return commit[:_DIGITS] + (DIRTY if commit.endswith(DIRTY) else "")
