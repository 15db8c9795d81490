"""Whose requests a change can touch."""

from __future__ import annotations

from plan_states import PROVENANCE, agent, base, chain, changed, configuration, ordinary, price
from plan_states import model as a_model
from plan_states import provider as a_provider
from plan_states import settings as some_settings

from modelops.plan.build import build
from modelops.plan.document import Plan
from modelops.resources.resolved import Resource
from modelops.resources.state import State


def planned(before: State, *resources: Resource, without: tuple[str, ...] = ()) -> Plan:
    after = changed(before, *resources, without=without)
    return build(configuration(after), base(before), PROVENANCE)


def affected(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {effect.address: effect.because for effect in plan.effects}


def test_a_provider_reaches_the_chains_and_agents_of_its_models() -> None:
    plan = planned(ordinary(), a_provider("openai", base_url="https://eu.example/v1"))
    assert plan.changes[0].reaches == (
        "chain/fast",
        "chain/production",
        "agent/dev",
        "agent/research",
    )
    assert set(affected(plan)) == set(plan.changes[0].reaches)


def test_a_model_reaches_only_those_that_can_call_it() -> None:
    plan = planned(ordinary(), a_model("anthropic/claude", price=price("4")))
    assert affected(plan) == {
        "chain/production": ("model/anthropic/claude",),
        "agent/dev": ("model/anthropic/claude",),
    }


def test_an_allowed_pattern_is_a_way_to_a_model() -> None:
    before = changed(ordinary(), a_model("openai/unused"))
    plan = planned(before, a_model("openai/unused", context_window=1))
    assert set(affected(plan)) == {"agent/research"}


def test_what_changes_itself_is_not_listed_as_affected() -> None:
    plan = planned(
        ordinary(), a_provider("openai", enabled=False), chain("fast", "anthropic/claude")
    )
    assert "chain/fast" not in affected(plan)
    assert affected(plan)["agent/research"] == ("provider/openai", "chain/fast")
    assert plan.summary.affected == len(plan.effects)


def test_names_and_labels_reach_nobody() -> None:
    plan = planned(ordinary(), a_provider("openai", display_name="New", labels={"team": "x"}))
    assert plan.effects == ()


def test_another_default_chain_reaches_the_agents_that_took_it() -> None:
    before = changed(ordinary(), agent("free", chain="production", sources={"chain": "default"}))
    plan = planned(before, some_settings(default_chain="fast"))
    assert set(affected(plan)) == {"agent/free"}
    assert not planned(before, some_settings(timezone="Europe/Berlin")).effects


def test_something_new_reaches_nobody() -> None:
    assert planned(ordinary(), a_model("openai/new")).effects == ()


def test_a_deleted_model_reaches_the_chain_that_had_it() -> None:
    plan = planned(
        ordinary(),
        chain("production", "openai/gpt-4o"),
        without=("model/anthropic/claude", "provider/anthropic"),
    )
    assert affected(plan)["agent/dev"] == (
        "provider/anthropic",
        "model/anthropic/claude",
        "chain/production",
    )


def test_a_first_plan_has_no_effects() -> None:
    plan = build(configuration(ordinary()), base({}, revision=0), PROVENANCE)
    assert plan.effects == ()
    assert plan.summary.create == len(ordinary())
