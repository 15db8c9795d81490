"""What a person reads."""

from __future__ import annotations

import re

from hypothesis import given
from plan_states import (
    PROVENANCE,
    STATES,
    base,
    chain,
    changed,
    configuration,
    model,
    ordinary,
    price,
    provider,
    warning,
)

from modelops.plan.build import Base, build, unchanged
from modelops.plan.document import Change, FieldChange
from modelops.plan.render import render
from modelops.plan.render.phrases import gist
from modelops.resources.state import State


def text(after: State, before: State | None = None, **declared: object) -> str:
    held = ordinary() if before is None else before
    plan = build(configuration(after, **declared), base(held), PROVENANCE)
    return render(plan, "text")


def test_only_changed_fields_are_shown_from_old_to_new() -> None:
    shown = text(changed(ordinary(), provider("openai", base_url="https://eu.example/v1")))
    assert "  ~ provider/openai   provider/openai.yaml:2  reaches 2 chains, 2 agents\n" in shown
    assert "      base_url  https://api.openai.example/v1 -> https://eu.example/v1\n" in shown
    assert "display_name" not in shown


def test_durations_are_shown_as_they_are_written() -> None:
    shown = text(changed(ordinary(), chain("fast", "openai/gpt-4o-mini", deadline_ms=90_000)))
    assert "      deadline  5m -> 90s\n" in shown


def test_where_a_value_comes_from_stands_behind_it() -> None:
    shown = text(changed(ordinary(), model("openai/gpt-4o", price=price("2.5"))))
    assert "price.input           3 -> 2.5  (catalog 2026-11-18)" in shown


def test_the_last_line_stands_alone() -> None:
    after = changed(ordinary(), model("openai/new"), without=("chain/fast",))
    last = text(after, removed=("chain/fast",)).splitlines()[-1]
    assert last == (
        "Plan for acme: 1 to add, 0 to change, 1 to delete (of 10), 1 affected; revision 41 -> 42."
    )


def test_no_changes_has_its_own_sentence() -> None:
    assert text(ordinary(), warnings=(warning("slow"), warning("dear"))).splitlines()[-1] == (
        "No changes. acme is at revision 41; 2 warnings."
    )
    plan = unchanged("acme", "prod", "digest", base(ordinary()), PROVENANCE)
    assert render(plan, "text") == "No changes. acme (prod) is at revision 41.\n"


def test_a_refusal_says_why_and_what_lifts_it() -> None:
    lines = text(changed(ordinary(), without=("agent/dev", "agent/research"))).splitlines()
    assert "  all 2 agents would be deleted  [empties-kind]" in lines
    assert any("--confirm-delete agent/dev --confirm-delete agent/research" in x for x in lines)
    assert lines[-1].startswith("Plan for acme refused for 1 reason: ")


def test_the_legend_names_only_the_symbols_in_use() -> None:
    legend = text(changed(ordinary(), model("openai/new"))).splitlines()[1]
    assert legend == "+ add"


def test_what_a_terminal_would_act_upon_is_spelled_out() -> None:
    shown = text(changed(ordinary(), provider("openai", display_name="\x1b[2J\u202ehi\n")))
    assert "\\x1b[2J\\u202ehi\\n" in shown
    assert "\x1b" not in shown


def test_color_is_only_added() -> None:
    after = changed(ordinary(), model("openai/new"), without=("chain/fast",))
    plan = build(configuration(after), base(ordinary()), PROVENANCE)
    colored = render(plan, "text", color=True)
    assert "\x1b[32m+\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == render(plan, "text")


def test_a_plan_against_a_new_store_or_a_commit_says_so() -> None:
    new = build(configuration(ordinary()), Base(state={}, digest=""), PROVENANCE)
    assert "base a new store" in render(new, "text")
    compared = Base(state={}, digest="", ref="1234567890abcdef")
    plan = build(configuration(ordinary()), compared, PROVENANCE)
    assert render(plan, "text").splitlines()[-1].endswith("against commit 1234567890.")


@given(STATES, STATES)
def test_every_plan_renders_without_control_characters(one: State, other: State) -> None:
    plan = build(configuration(other), base(one), PROVENANCE)
    assert all(line.isprintable() for line in render(plan, "text").split("\n"))


def test_a_new_model_says_that_its_price_is_not_all() -> None:
    prices = {"input": "0.5", "output": "1", "hours": [{}], "service_tiers": [{}], "tiers": []}
    field = FieldChange(path="price", new=prices)
    change = Change(action="create", address="model/deepseek/x", fields=(field,))
    assert gist(change) == "input 0.5, output 1 USD per million, hours, service tiers"
