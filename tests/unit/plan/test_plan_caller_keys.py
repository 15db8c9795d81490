"""A rollback brings no revoked key of a caller back unasked, and leaves no caller without one."""

from __future__ import annotations

from msgspec.structs import replace
from plan_states import PROVENANCE, agent, base, changed, configuration, ordinary, settings

from modelops.plan.build import build
from modelops.plan.caller_keys import consent_to_keys
from modelops.resources.resolved import Agent, Key, Operator
from modelops.resources.state import State


def key(name: str, expires: str = "") -> Key:
    return Key(name=name, sha256=name * 32, expires=expires)


def caller(*keys: Key) -> Agent:
    return replace(agent("dev"), keys=keys)


def operators(*keys: Key) -> State:
    ops = (Operator(operator="ci", role="deployer", keys=keys),) if keys else ()
    return changed(ordinary(), replace(settings(), operators=ops))


def refused(
    before: State, after: State, *confirmed: str, files: bool = False
) -> list[tuple[str, str]]:
    found = build(
        configuration(after), base(before), PROVENANCE, confirmed=confirmed, files=files
    ).refusals
    return [(check.rule, check.address) for check in found]


def agents(*keys: Key) -> State:
    return changed(ordinary(), caller(*keys))


def test_a_revoked_key_does_not_come_back_unasked() -> None:
    before, after = agents(key("k2")), agents(key("k1"))
    assert refused(before, after) == [("keys-return", "agent/dev")]
    assert refused(before, after, "agent/dev") == [("keys-return", "agent/dev")]
    assert refused(before, after, consent_to_keys("agent/dev")) == []
    assert refused(before, after, files=True) == []


def test_a_key_that_works_as_long_already_does_not_come_back() -> None:
    assert refused(agents(key("k1"), key("k2")), agents(key("k1"))) == []
    assert refused(agents(key("k1")), agents(key("k1", "2026-12-01"))) == []
    assert refused(agents(key("k1", "2026-12-01")), agents(key("k1"))) == [
        ("keys-return", "agent/dev")
    ]


def test_a_deleted_agent_comes_back_with_its_keys_by_name_only() -> None:
    gone = changed(ordinary(), without=("agent/dev",))
    assert refused(gone, agents(key("k1"))) == [("keys-return", "agent/dev")]
    assert refused(agents(key("k1")), gone) == []


def test_no_caller_is_left_without_a_key_unasked() -> None:
    assert refused(agents(key("k1")), agents()) == [("keys-lost", "agent/dev")]
    assert refused(operators(key("k1")), operators()) == [("keys-lost", "operator/ci")]
    assert refused(operators(key("k2")), operators(key("k1"))) == [("keys-return", "operator/ci")]
    assert refused(operators(key("k1")), operators(), consent_to_keys("operator/ci")) == []
