"""What a plan refuses, and what lifts a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from plan_states import PROVENANCE, agent, base, chain, changed, configuration, model, ordinary
from plan_states import provider as a_provider

from modelops.plan.build import build
from modelops.plan.document import Check, Plan
from modelops.resources.resolved import Resource
from modelops.resources.state import State


def planned(
    before: State,
    *resources: Resource,
    without: tuple[str, ...] = (),
    removed: tuple[str, ...] = (),
    **options: Any,
) -> Plan:
    after = changed(before, *resources, without=without)
    declared = configuration(after, removed=removed)
    return build(declared, base(before), PROVENANCE, **options)


def rules(plan: Plan) -> set[str]:
    return {check.rule for check in plan.refusals}


def many(count: int) -> State:
    return changed(ordinary(), *(chain(f"spare-{number}") for number in range(count)))


def test_one_deletion_goes_unasked() -> None:
    assert rules(planned(many(3), without=("chain/spare-0",))) == set()


@pytest.mark.parametrize(
    ("spare", "deleted", "refused"),
    [(4, 2, True), (5, 2, False), (8, 3, False), (7, 3, True)],
)
def test_two_or_more_deletions_are_refused_above_a_third(
    spare: int, deleted: int, refused: bool
) -> None:
    without = tuple(f"chain/spare-{number}" for number in range(deleted))
    plan = planned(many(spare), without=without)
    assert rules(plan) == ({"deletes-too-many"} if refused else set())
    assert plan.summary.refused == int(refused)


def test_a_kind_is_not_emptied_even_by_one_deletion() -> None:
    before = changed(ordinary(), without=("agent/research",))
    plan = planned(before, without=("agent/dev",))
    assert rules(plan) == {"empties-kind"}
    assert "--confirm-delete agent/dev" in plan.refusals[0].hint


def test_a_rollback_names_no_place_in_files_for_consent() -> None:
    few = planned(many(1), without=("chain/spare-0", "chain/fast"), files=False)
    assert few.refusals[0].hint == (
        "if it is meant: --confirm-delete chain/fast --confirm-delete chain/spare-0"
    )
    without = tuple(f"chain/spare-{number}" for number in range(11))
    (plan,) = planned(many(11), without=without, files=False).refusals
    assert plan.hint.startswith("if it is meant: --confirm-delete ADDRESS for each")


@pytest.mark.parametrize("how", ["removed", "confirmed"])
def test_naming_the_address_lifts_it(how: str) -> None:
    before = changed(ordinary(), without=("agent/research",))
    plan = planned(before, without=("agent/dev",), **{how: ("agent/dev",)})
    assert rules(plan) == set()


def test_naming_some_of_them_counts_the_others() -> None:
    without = ("chain/spare-0", "chain/spare-1")
    assert rules(planned(many(1), without=without, removed=("chain/spare-0",))) == set()


def test_naming_a_provider_covers_its_models() -> None:
    without = ("provider/openai", "model/openai/gpt-4o", "model/openai/gpt-4o-mini", "chain/fast")
    live = (chain("production", "anthropic/claude"), agent("research"))
    assert rules(planned(ordinary(), *live, without=without)) == {"deletes-too-many"}
    assert rules(planned(ordinary(), *live, without=without, removed=("provider/openai",))) == set()


@pytest.mark.parametrize(
    "resource",
    [
        a_provider("spare", protected=True),
        model("openai/spare", protected=True),
        chain("spare", protected=True),
        agent("spare", protected=True),
    ],
)
def test_what_is_protected_stays_whatever_is_confirmed(resource: Resource) -> None:
    address = resource.address
    before = changed(ordinary(), resource)
    assert rules(planned(before, without=(address,), removed=(address,))) == {"protected"}


@pytest.mark.parametrize("field", ["base_url", "auth"])
def test_protection_covers_where_a_key_goes_also_while_it_is_taken_off(field: str) -> None:
    before = changed(ordinary(), a_provider("openai", protected=True))
    plan = planned(before, a_provider("openai", protected=False, **{field: "x-other"}))
    assert rules(plan) == {"protected"}
    assert field in plan.refusals[0].message


def test_protection_can_be_taken_off_on_its_own_and_other_fields_change_freely() -> None:
    before = changed(ordinary(), a_provider("openai", protected=True))
    assert rules(planned(before, a_provider("openai", protected=False))) == set()
    assert rules(planned(before, a_provider("openai", protected=True, enabled=False))) == set()


def test_what_is_still_named_is_not_deleted() -> None:
    plan = planned(many(6), without=("model/openai/gpt-4o-mini",))
    assert rules(plan) == {"deletes-referenced"}
    assert "chain/fast names it" in plan.refusals[0].message


def test_traffic_is_a_reason_to_ask() -> None:
    calls = {"chain/spare-0": 1204, "chain/production": 7}
    plan = planned(many(6), without=("chain/spare-0",), traffic=calls)
    assert rules(plan) == {"deletes-in-use"}
    assert "1,204 calls" in plan.refusals[0].message
    assert rules(planned(many(6), without=("chain/spare-0",), traffic={})) == set()


def test_a_move_is_no_deletion() -> None:
    before = ordinary()
    after = changed(before, chain("quick", "openai/gpt-4o-mini"), without=("chain/fast",))
    declared = configuration(after, moved=(("chain/fast", "chain/quick"),))
    plan = build(declared, base(before), PROVENANCE)
    assert [(change.action, change.address) for change in plan.changes] == [("move", "chain/quick")]
    assert plan.refusals == ()


def test_consent_to_delete_what_is_declared_is_told() -> None:
    plan = planned(ordinary(), removed=("chain/fast", "chain/long-gone"))
    assert [(check.rule, check.level) for check in plan.checks] == [
        ("removed-still-declared", "warning")
    ]


def test_a_refused_plan_says_so_in_its_summary() -> None:
    plan = planned(many(0), without=("chain/production", "chain/fast"))
    assert isinstance(plan.refusals[0], Check)
    assert plan.summary.refused == len(plan.refusals) > 0
