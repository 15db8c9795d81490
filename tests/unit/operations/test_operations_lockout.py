"""Through a server nobody takes away the last deployer's key unasked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from resource_samples import settings

from modelops.operations import lockout
from modelops.plan.caller_keys import consent_to_keys
from modelops.resources.resolved import Key, Operator, Role
from modelops.resources.state import State, by_address

NOW = datetime(2026, 11, 22, 23, tzinfo=UTC)


def operator(name: str, role: Role = "deployer", expires: str = "", keys: int = 1) -> Operator:
    made = tuple(Key(name=f"k{n}", sha256="0" * 64, expires=expires) for n in range(keys))
    return Operator(operator=name, role=role, keys=made)


def state(*operators: Operator, timezone: str = "UTC") -> State:
    return by_address([settings(operators=operators, timezone=timezone)])


BEFORE = state(operator("ci"), operator("ada"), operator("old", expires="2026-11-21"))


def refused(after: State, *consent: str, before: State = BEFORE) -> list[str]:
    found = lockout.refusals(before, after, consent, NOW, files=True)
    return [f"{check.rule}: {check.hint}" for check in found]


@pytest.mark.parametrize(
    "after",
    [
        state(),
        state(operator("ci", "operator"), operator("eve", "viewer")),
        state(operator("ci", keys=0)),
        state(operator("ci", expires="2026-11-21")),
        state(operator("ci", expires="2026-11-22"), timezone="Asia/Tokyo"),
    ],
    ids=["none", "lesser roles", "no key", "expired", "tomorrow there"],
)
def test_the_last_deployer_is_named_to_be_left_without_a_key(after: State) -> None:
    flags = "--confirm-keys operator/ada --confirm-keys operator/ci"
    assert refused(after) == [f"locks-out: if it is meant: modelops apply {flags}"]
    consent = [consent_to_keys(f"operator/{name}") for name in ("ada", "ci")]
    assert refused(after, consent[0]) != []
    assert refused(after, *consent) == []


def test_one_deployer_that_can_come_back_is_enough() -> None:
    assert refused(state(operator("new", expires="2026-11-22"))) == []


@pytest.mark.parametrize("before", [{}, state()], ids=["empty", "no operators"])
def test_the_first_key_is_a_deployers(before: State) -> None:
    after = state(operator("eve", "viewer"), operator("bob", keys=0))
    flags = "modelops apply --confirm-keys operator/eve"
    hint = f"give one of them `role: deployer`, or if it is meant: {flags}"
    assert refused(after, before=before) == [f"locks-out: {hint}"]
    assert refused(after, consent_to_keys("operator/eve"), before=before) == []
    (rollback,) = lockout.refusals(before, after, (), NOW, files=False)
    assert rollback.hint == "if it is meant: --confirm-keys operator/eve"
    for open_to_this_machine in (state(), state(operator("bob", keys=0))):
        assert refused(open_to_this_machine, before=before) == []


def test_without_any_key_the_servers_own_machine_applies() -> None:
    for after, who in (
        (state(), "only the server's own machine"),
        (state(operator("eve", "viewer")), "nobody"),
    ):
        (check,) = lockout.refusals(BEFORE, after, (), NOW, files=True)
        assert f"so far operator/ada, operator/ci: {who} could apply through" in check.message
