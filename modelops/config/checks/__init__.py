"""What must hold between the parts of a configuration, once every file is well formed.

One file per subject, each a few functions that yield what they find. They see what was written,
with positions, and what it resolves to. What did not resolve is reported once, where it is written,
and passed over elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from modelops.config.checks import (
    agents,
    callers,
    chains,
    ciphertext,
    models,
    names,
    providers,
    settings,
    unread,
)
from modelops.config.checks.subject import Subject
from modelops.resources.configuration import Diagnostic


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield everything the checks find."""
    for room in (settings, providers, ciphertext, models, names, chains, agents, callers, unread):
        yield from room.check(subject)
