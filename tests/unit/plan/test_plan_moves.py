"""Which stored resource a declared one goes on from."""

from __future__ import annotations

from plan_states import chain, changed, model, ordinary, provider

from modelops.plan.moves import misuses, resolve

MOVED = (("chain/fast", "chain/quick"),)


def test_a_rename_is_found() -> None:
    after = changed(ordinary(), chain("quick"), without=("chain/fast",))
    assert resolve(MOVED, ordinary(), after) == {"chain/quick": "chain/fast"}


def test_an_entry_that_has_done_its_work_may_stay() -> None:
    after = changed(ordinary(), chain("quick"), without=("chain/fast",))
    assert resolve(MOVED, after, after) == {}
    assert resolve(MOVED, {}, after) == {}


def test_a_provider_takes_its_models_along() -> None:
    before = ordinary()
    after = changed(
        before,
        provider("open"),
        model("open/gpt-4o"),
        without=("provider/openai", "model/openai/gpt-4o", "model/openai/gpt-4o-mini"),
    )
    assert resolve((("provider/openai", "provider/open"),), before, after) == {
        "provider/open": "provider/openai",
        "model/open/gpt-4o": "model/openai/gpt-4o",
    }


def test_a_resource_does_not_become_one_of_another_kind() -> None:
    after = changed(ordinary(), provider("quick"), without=("chain/fast",))
    assert resolve((("chain/fast", "provider/quick"),), ordinary(), after) == {}


def test_what_is_still_declared_does_not_move() -> None:
    after = changed(ordinary(), chain("quick"))
    assert resolve(MOVED, ordinary(), after) == {}
    assert [check.rule for check in misuses(MOVED, after)] == ["moved-still-declared"]


def test_nothing_is_moved_onto_something_that_is_there_or_twice() -> None:
    before = changed(ordinary(), chain("quick"))
    after = changed(before, without=("chain/fast",))
    assert resolve(MOVED, before, after) == {}
    two = changed(ordinary(), chain("x"), chain("y"), without=("chain/fast",))
    moved = (("chain/fast", "chain/x"), ("chain/fast", "chain/y"))
    assert resolve(moved, ordinary(), two) == {"chain/x": "chain/fast"}
