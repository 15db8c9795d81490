"""Annotations beside the lines of a pull request."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from hypothesis import given
from plan_states import (
    PROVENANCE,
    STATES,
    base,
    changed,
    configuration,
    model,
    ordinary,
    provider,
    warning,
)

from modelops.plan.build import build
from modelops.plan.render import phrases, render
from modelops.resources.state import State


def shown(after: State, prefix: str = "", **declared: Any) -> list[str]:
    provenance = msgspec.structs.replace(PROVENANCE, git_prefix=prefix)
    plan = build(
        configuration(after, **declared),
        base(ordinary()),
        provenance,
    )
    return render(plan, "github").splitlines()


def test_each_check_is_an_annotation_of_its_line() -> None:
    lines = shown(ordinary(), warnings=(warning("target 3 cannot be reached: 50%, really"),))
    assert lines[0] == (
        "::warning file=chains.d/production.yaml,line=5,title=worst-case::"
        "target 3 cannot be reached: 50%25, really"
    )


def test_files_are_named_from_the_root_of_the_repository() -> None:
    lines = shown(changed(ordinary(), provider("openai", enabled=False)), prefix="llm/")
    assert lines[0] == (
        "::notice file=llm/provider/openai.yaml,line=2,title=provider/openai changed::"
        "enabled true -> false%0Areaches 2 chains, 2 agents"
    )


def test_refusals_are_errors_and_come_first() -> None:
    lines = shown(changed(ordinary(), without=("agent/dev", "agent/research")))
    assert lines[0].startswith("::error title=empties-kind::all 2 agents would be deleted")
    assert lines[-1].startswith("Plan for acme refused")


def test_no_more_than_github_shows_and_the_last_says_how_many_more() -> None:
    lines = shown(changed(ordinary(), *(model(f"openai/m-{number}") for number in range(25))))
    notices = [line for line in lines if line.startswith("::notice")]
    assert len(notices) == 10
    assert notices[-1] == "::notice title=modelops::and 16 more, listed in the plan itself"


def test_a_value_cannot_start_a_command_of_its_own() -> None:
    lines = shown(changed(ordinary(), provider("openai", display_name="x\n::error::boo\r%0A")))
    assert not any(line.startswith("::error") for line in lines)
    assert "%250A" in lines[0]


@given(STATES, STATES)
def test_every_line_is_one_command_or_the_conclusion(one: State, other: State) -> None:
    plan = build(configuration(other), base(one), PROVENANCE)
    *commands, last = render(plan, "github").splitlines()
    assert last == phrases.conclusion(plan)
    assert all(re.match(r"::(error|warning|notice) [^:]*::", line) for line in commands), commands
