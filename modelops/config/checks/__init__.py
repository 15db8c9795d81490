"""What must hold between the parts of a configuration, once every file is well formed.

One file per subject, each a few functions that yield what they find. They see what was written,
with positions, and what it resolves to. What did not resolve is reported once, where it is written,
and passed over elsewhere.

A file with an error of form is looked at in a second round, as if what is wrong in it had not been
written. Then it may say nothing that follows from that, and nothing is said of it in other files.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from modelops.config import rules
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
from modelops.config.checks.subject import Subject, with_remains
from modelops.resources.configuration import Diagnostic

_OF_WHAT_IS_MISSING = frozenset(
    rule.id
    for rule in (
        rules.INCOMPLETE_PROVIDER,
        rules.NO_USABLE_TARGET,
        rules.UNREACHABLE_TARGET,
        rules.IDLE_ALLOW,
        rules.REFUSED_CALLER,
        rules.UNMET_PARAMETER,
        rules.PRICE_TIERS,
        rules.PRICE_REASONING,
        rules.PRICE_HOURS,
    )
)
"""Rules that what was left out of a file could have satisfied."""


def check(subject: Subject) -> Iterator[Diagnostic]:
    """Yield everything the checks find."""
    yield from _all(subject)
    files = {document.file for _, document in subject.declaration.unread}
    if files:
        remains = with_remains(subject)
        for found in chain(unread.check(remains), _all(remains)):
            if found.position.file in files and found.rule not in _OF_WHAT_IS_MISSING:
                yield found


def _all(subject: Subject) -> Iterator[Diagnostic]:
    for room in (settings, providers, ciphertext, models, names, chains, agents, callers):
        yield from room.check(subject)
