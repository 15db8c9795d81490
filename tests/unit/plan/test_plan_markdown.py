"""The comment on a pull request."""

from __future__ import annotations

from typing import Any

import pytest
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
    provider,
    warning,
)

from modelops.plan.build import build
from modelops.plan.document import Plan
from modelops.plan.render import markdown, render
from modelops.resources.state import State


def planned(after: State, **declared: Any) -> Plan:
    return build(configuration(after, **declared), base(ordinary()), PROVENANCE)


def test_it_can_be_found_again_and_says_the_conclusion_first() -> None:
    lines = render(planned(ordinary(), environment="prod"), "markdown").splitlines()
    assert lines[0] == "<!-- modelops plan acme prod -->"
    assert lines[3].startswith(r"No changes. acme \(prod\) is at revision 41")


def test_rows_say_what_and_where_and_the_fields_are_folded_away() -> None:
    shown = render(planned(changed(ordinary(), provider("openai", enabled=False))), "markdown")
    assert "| `~` | `provider/openai` | `provider/openai.yaml:2` | enabled; reaches" in shown
    assert "<details><summary>Fields that change</summary>" in shown
    assert "- enabled: true\n+ enabled: false\n" in shown


def test_refusals_stand_out_and_warnings_are_told() -> None:
    plan = planned(
        changed(ordinary(), without=("agent/dev", "agent/research")), warnings=(warning("slow"),)
    )
    shown = render(plan, "markdown")
    assert "> [!CAUTION]\n> - all 2 agents would be deleted" in shown
    assert "> [!WARNING]\n> - `chains.d/production.yaml:5` slow" in shown


@pytest.mark.parametrize("limit", [2_000, 5_000, 65_000])
def test_it_fits_and_says_what_is_missing(limit: int) -> None:
    many = changed(
        ordinary(), *(model(f"openai/m-{number}") for number in range(1_000)), chain("fast", "a/b")
    )
    warnings = tuple(warning(f"number {number}: {'x' * 50}") for number in range(4))
    plan = planned(many, warnings=warnings)
    shown = markdown.render(plan, limit=limit)
    assert len(shown) <= limit
    assert "more rows are in the JSON document" in shown or limit == 65_000
    assert markdown.render(plan).count("\n| `+`") <= 1_000


def test_values_cannot_break_out_or_call_anybody() -> None:
    name = "``` <img src=x> @everyone | [x](http://evil) \n# big"
    after = changed(ordinary(), provider("openai", display_name=name), chain("fast", "a|b/`c`"))
    shown = render(planned(after, warnings=(warning(name),)), "markdown")
    table, _, details = shown.partition("<details>")
    assert "<img" not in table
    assert "@everyone" not in table
    assert "\n# big" not in shown
    assert "````diff" in details


@pytest.mark.parametrize("char", ["*", "&", "\u202e", "@"])
def test_it_fits_however_much_is_wrong(char: str) -> None:
    before = changed(ordinary(), *(chain(f"c-{n}", protected=True) for n in range(300)))
    warnings = tuple(warning(f"{number} {char * 5_000}") for number in range(300))
    declared = configuration(ordinary(), warnings=warnings)
    plan = build(declared, base(before), PROVENANCE)
    assert len(plan.refusals) > 300
    assert len(render(plan, "markdown")) <= markdown.LIMIT


@given(STATES, STATES)
def test_every_plan_fits(one: State, other: State) -> None:
    plan = build(configuration(other), base(one), PROVENANCE)
    assert len(render(plan, "markdown")) <= markdown.LIMIT
