"""The published schema is that of the documents that are made."""

from __future__ import annotations

import jsonschema
import msgspec
from hypothesis import given, settings
from plan_states import PROVENANCE, STATES, base, configuration

from modelops.plan.build import build
from modelops.plan.document import encode
from modelops.plan.schema import schema
from modelops.resources.state import State

VALIDATOR = jsonschema.Draft202012Validator(schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@given(STATES, STATES)
@settings(max_examples=30)
def test_every_plan_fits_the_schema(one: State, other: State) -> None:
    plan = build(configuration(other), base(one), PROVENANCE)
    VALIDATOR.validate(msgspec.json.decode(encode(plan)))


def test_what_is_no_plan_does_not_fit() -> None:
    assert not VALIDATOR.is_valid({"format_version": 1})
