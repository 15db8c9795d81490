"""The last deployer: without one nobody applies through a server any more, not even to undo it.

Whoever has the store itself is not locked out, so only what is applied through a server is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from modelops.config import zones
from modelops.plan.caller_keys import consent_to_keys
from modelops.plan.document import Check
from modelops.resources import state as states
from modelops.resources.state import State


def refusals(
    before: State, after: State, consent: Collection[str], now: datetime, *, files: bool
) -> Iterator[Check]:
    """Yield a refusal where deployers have keys that work at `now`, which is aware, and none would.

    Naming each of them lifts it, as it does for other keys of callers; `files` is False for a
    rollback.
    """
    had = _deployers(before, now)
    if not had or _deployers(after, now) or all(consent_to_keys(one) in consent for one in had):
        return
    flags = " ".join(f"--confirm-keys {one}" for one in had)
    yield Check(
        rule="locks-out",
        level="refused",
        message=f"no deployer would have a key that works, so far {', '.join(had)}: "
        "nobody could apply through this server any more",
        hint=f"if it is meant: {'modelops apply ' if files else ''}{flags}",
    )


def _deployers(state: State, now: datetime) -> list[str]:
    """Return operator/NAME of each deployer that has a key which has not expired."""
    settings = states.settings(state)
    if settings is None:
        return []
    today = zones.day(now, settings.timezone).isoformat()
    return sorted(
        f"operator/{one.operator}"
        for one in settings.operators
        if one.role == "deployer"
        and any(not key.expires or key.expires >= today for key in one.keys)
    )
