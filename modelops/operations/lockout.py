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
    """Yield a refusal where no deployer has a key that works at `now`, which is aware.

    While no operator has a key the server's own machine applies: to leave it so is not refused.
    Naming each that had such a key lifts it, as it does for other keys of callers, or each that
    would have any; `files` is False for a rollback.
    """
    had, held = _deployers(before, now), _holders(after)
    asked = had or held
    if not asked or _deployers(after, now) or all(consent_to_keys(one) in consent for one in asked):
        return
    so_far = f", so far {', '.join(had)}" if had else ""
    nobody = (
        "nobody could apply through this server any more"
        if held
        else "only the server's own machine could apply through it"
    )
    flags = " ".join(f"--confirm-keys {one}" for one in asked)
    instead = "" if had or not files else "give one of them `role: deployer`, or "
    yield Check(
        rule="locks-out",
        level="refused",
        message=f"no deployer would have a key that works{so_far}: {nobody}",
        hint=f"{instead}if it is meant: {'modelops apply ' if files else ''}{flags}",
    )


def _holders(state: State) -> list[str]:
    """Return operator/NAME of each operator that has a key, even an expired one."""
    settings = states.settings(state)
    operators = settings.operators if settings else ()
    return sorted(f"operator/{one.operator}" for one in operators if one.keys)


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
