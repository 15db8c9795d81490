"""Say no to a rollback that changes who may call: keys that come back, callers left with none.

Keys of callers are part of a revision, so an old one may hold a key that was revoked since, perhaps
because it leaked, and may lack the one in use. Files that say so were reviewed; a number was not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from modelops.plan.document import Check
from modelops.resources import state as states
from modelops.resources.resolved import Key
from modelops.resources.state import State


def consent_to_keys(address: str) -> str:
    """Return what stands among consents for a caller whose old keys are meant; no address."""
    return f"keys of {address}"


def refusals(
    before: State, after: State, consent: Collection[str], moved: Mapping[str, str]
) -> Iterator[Check]:
    """Yield a refusal for each agent and operator that gets a key back, or is left with none.

    `moved` maps the new address of an agent to its old one. A deleted agent is a deletion, which
    other rules hold; an operator is no resource of its own.
    """
    had, will_have = _callers(before), _callers(after)
    for caller in sorted(had.keys() | will_have.keys()):
        if consent_to_keys(caller) in consent:
            continue
        old, new = had.get(moved.get(caller, caller), ()), will_have.get(caller, ())
        back = [key.name for key in new if not _covered(key, old)]
        if back:
            yield _refused("keys-return", caller, f"{', '.join(back)} of {caller} would work again")
        elif old and not new and (caller in after or caller not in before):
            yield _refused("keys-lost", caller, f"{caller} would be left without a key")


def _covered(key: Key, old: Collection[Key]) -> bool:
    """Return whether a key works as long already."""
    return any(
        key.sha256 == one.sha256 and (not one.expires or "" < key.expires <= one.expires)
        for one in old
    )


def _callers(state: State) -> Mapping[str, tuple[Key, ...]]:
    """Return the keys by agent/NAME and operator/NAME."""
    settings = states.settings(state)
    operators = settings.operators if settings else ()
    return {agent.address: agent.keys for agent in states.agents(state).values()} | {
        f"operator/{one.operator}": one.keys for one in operators
    }


def _refused(rule: str, caller: str, message: str) -> Check:
    return Check(
        rule=rule,
        level="refused",
        address=caller,
        message=message,
        hint=f"if it is meant: --confirm-keys {caller}",
    )
