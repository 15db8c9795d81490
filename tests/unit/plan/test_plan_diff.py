"""Two states in, the fields that differ out."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from plan_states import STATES, agent, chain, changed, model, ordinary, price, provider, target

from modelops.plan.diff import diff
from modelops.plan.document import Change, FieldChange
from modelops.resources.resolved import Key, Resource
from modelops.resources.state import State, by_address

CATALOG = "2026-11-18"


def only_change(old: Resource, new: Resource) -> Change:
    (change,) = diff(by_address([old]), by_address([new]), {}, CATALOG)
    return change


def test_a_field_that_changes_is_shown_with_old_and_new() -> None:
    change = only_change(chain(deadline_ms=1000), chain(deadline_ms=2000))
    assert change.action == "update"
    assert change.fields == (FieldChange(path="deadline_ms", old=1000, new=2000),)


def test_a_value_of_the_catalog_names_its_date() -> None:
    old, new = model(price=price("3")), model(price=price("3", input=Decimal("2.5")))
    assert only_change(old, new).fields == (
        FieldChange(
            path="price.input",
            old="3",
            new="2.5",
            old_source="catalog",
            source=f"catalog {CATALOG}",
        ),
    )


def test_writing_down_what_the_catalog_said_changes_only_the_source() -> None:
    old = model(sources={"context_window": "catalog"})
    assert only_change(old, model(sources={})).fields == (
        FieldChange(path="context_window", old=128000, new=128000, old_source="catalog"),
    )


def test_a_target_put_in_front_leaves_the_others_alone() -> None:
    before = chain("c", "openai/a", "openai/b")
    after = chain("c", "openai/new", "openai/a", "openai/b", max_attempts=before.max_attempts)
    order, added = only_change(before, after).fields
    assert (order.path, order.old) == ("targets", ["openai/a", "openai/b"])
    assert order.new == ["openai/new", "openai/a", "openai/b"]
    assert added.path == "targets[openai/new]"
    assert added.old is None
    assert added.new == {"max_retries": 2, "timeout_ms": 30_000, "answer_timeout_ms": 300_000}


def test_targets_that_only_trade_places_are_one_line() -> None:
    fields = only_change(chain("c", "p/a", "p/b"), chain("c", "p/b", "p/a")).fields
    assert [field.path for field in fields] == ["targets"]


def test_a_field_of_a_target_is_found_by_the_models_name() -> None:
    before = chain("c", "p/a", target("p/b.1", timeout_ms=1000))
    after = chain("c", "p/a", target("p/b.1", timeout_ms=2000))
    assert [field.path for field in only_change(before, after).fields] == [
        "targets[p/b.1].timeout_ms"
    ]


def test_keys_are_matched_by_name() -> None:
    first = Key(name="k1", sha256="0" * 64, expires="")
    second = Key(name="k2", sha256="1" * 64, expires="")
    fields = only_change(agent(keys=(first,)), agent(keys=(second,))).fields
    assert [field.path for field in fields] == ["keys", "keys[k1]", "keys[k2]"]


def test_list_elements_that_share_a_name_are_compared_as_a_whole() -> None:
    one = Key(name="k", sha256="0" * 64, expires="")
    other = Key(name="k", sha256="1" * 64, expires="")
    fields = only_change(agent(keys=(one, one)), agent(keys=(one, other))).fields
    assert [field.path for field in fields] == ["keys"]


def test_a_new_resource_shows_what_was_chosen_and_no_defaults() -> None:
    (change,) = diff({}, by_address([model()]), {}, CATALOG)
    assert change.action == "create"
    shown = {field.path: field.source for field in change.fields}
    assert shown == {
        "context_window": "",
        "max_output_tokens": "",
        "capabilities": "",
        "price": f"catalog {CATALOG}",
    }


def test_a_moved_resource_keeps_its_fields_and_loses_no_address() -> None:
    before, after = by_address([chain("prod")]), by_address([chain("live", deadline_ms=1)])
    (change,) = diff(before, after, {"chain/live": "chain/prod"}, CATALOG)
    assert (change.action, change.address, change.moved_from) == (
        "move",
        "chain/live",
        "chain/prod",
    )
    assert {field.path for field in change.fields} == {"display_name", "deadline_ms"}


def test_changes_come_by_kind_and_then_by_address() -> None:
    changes = diff({}, ordinary(), {}, CATALOG)
    assert [change.address for change in changes] == [
        "config/acme",
        "provider/anthropic",
        "provider/openai",
        "model/anthropic/claude",
        "model/openai/gpt-4o",
        "model/openai/gpt-4o-mini",
        "chain/fast",
        "chain/production",
        "agent/dev",
        "agent/research",
    ]


def test_a_label_is_a_field_of_its_own() -> None:
    fields = only_change(provider(labels={"team": "a"}), provider(labels={"cost": "1"})).fields
    assert [(field.path, field.old, field.new) for field in fields] == [
        ("labels.team", "a", None),
        ("labels.cost", None, "1"),
    ]


@given(STATES)
def test_a_state_does_not_differ_from_itself(state: State) -> None:
    assert diff(state, changed(state), {}, CATALOG) == []


@given(STATES, STATES)
def test_applying_the_changes_to_one_state_gives_the_other(one: State, other: State) -> None:
    result = dict(one)
    for change in diff(one, other, {}, CATALOG):
        if change.action == "delete":
            del result[change.address]
        else:
            result[change.address] = other[change.address]
    assert result == other


@given(STATES, STATES)
def test_every_update_names_a_field(one: State, other: State) -> None:
    changes = diff(one, other, {}, CATALOG)
    assert all(change.fields for change in changes if change.action == "update")
