"""The document survives being written and read, and nothing else does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_states import PROVENANCE, STATES, base, changed, configuration, ordinary, provider

from modelops.plan.build import build, unchanged
from modelops.plan.document import InvalidPlanError, Plan, decode, encode, seal
from modelops.resources.state import State


def a_plan() -> Plan:
    after = changed(ordinary(), provider("openai", base_url="https://eu.example/v1"))
    return build(configuration(after), base(ordinary()), PROVENANCE)


def edited(**fields: Any) -> bytes:
    document = msgspec.json.decode(encode(a_plan()))
    return msgspec.json.encode(document | fields)


@given(STATES, STATES)
def test_what_is_written_is_what_is_read(one: State, other: State) -> None:
    plan = build(configuration(other), base(one), PROVENANCE)
    assert decode(encode(plan), "plan.json") == plan


@given(STATES, STATES)
def test_the_same_inputs_give_the_same_bytes(one: State, other: State) -> None:
    def made() -> bytes:
        return encode(build(configuration(other), base(one), PROVENANCE))

    assert made() == made()


@given(st.data())
def test_a_file_that_was_cut_off_is_not_a_plan(data: st.DataObject) -> None:
    content = encode(a_plan()).rstrip()
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(InvalidPlanError, match=r"plan\.json"):
        decode(content[:cut], "plan.json")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (edited(base_revision=40), "changed since it was made"),
        (edited(changes=[]), "changed since it was made"),
        (edited(plan_digest=""), "changed since it was made"),
        (edited(format_version=2), "format version 2"),
        (edited(format_version="1"), "not a plan"),
        (b"[]", "not a plan"),
        (b"{}", "not a plan"),
        (b"\xff\xfe", "not a whole JSON document"),
        (b"", "not a whole JSON document"),
        (b"[" * 100_000, "not a whole JSON document"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: bytes, says: str) -> None:
    with pytest.raises(InvalidPlanError, match=says) as error:
        decode(content, "plan.json")
    assert error.value.exit_code == 1
    assert error.value.message.startswith("plan.json: ")
    assert error.value.hint


def test_a_field_of_a_later_minor_form_is_passed_over_but_covered() -> None:
    document = msgspec.json.decode(encode(a_plan()))
    document["cost_per_1k"] = "0.61"
    content = msgspec.json.encode(document)
    with pytest.raises(InvalidPlanError, match="changed since"):
        decode(content, "plan.json")


def test_the_digest_covers_everything_else() -> None:
    plan = a_plan()
    other = seal(msgspec.structs.replace(plan, created_by="eve@laptop"))
    assert len(plan.plan_digest) == 64
    assert other.plan_digest != plan.plan_digest


def test_files_whose_digest_stands_already_are_an_empty_plan() -> None:
    plan = unchanged("acme", "", "digest", base(ordinary()), PROVENANCE)
    assert plan.empty
    assert plan.summary.total is None
    assert decode(encode(plan), "plan.json") == plan
