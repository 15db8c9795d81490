"""Whole plans in every format, case by case: `tests/golden/plan/CASE/`.

`before/` and `after/` are configurations, without `before/` the store is new. After a change that
is meant, run with MODELOPS_WRITE_GOLDEN=1 and read the difference in git.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from modelops.config import load_configuration
from modelops.plan.build import Base, Provenance, build
from modelops.plan.document import Plan, decode, encode
from modelops.plan.render import render
from modelops.resources.configuration import Configuration
from modelops.resources.state import digest, state_digest

CASES = sorted((Path(__file__).parents[1] / "golden" / "plan").iterdir())
FORMATS = {"plan.txt": "text", "plan.json": "json", "plan.md": "markdown", "plan.github": "github"}
PROVENANCE = Provenance(
    tool_version="0.1.0",
    catalog="2026-11-18",
    created_by="ada@laptop",
    created_at="2026-11-21T10:00:00Z",
    git_commit="9ac1e2f0" * 5,
    git_branch="main",
    git_prefix="llm/",
)


def base(folder: Path) -> Base:
    if not folder.exists():
        return Base(state={}, digest=state_digest({}))
    state = load_configuration(folder).state
    digests = {address: digest(item) for address, item in state.items()}
    return Base(state=state, digest=state_digest(digests), store_id="5" * 32, revision=41)


def declared(folder: Path) -> Configuration:
    """Return the declaration with a digest that does not follow the packaged catalog."""
    return msgspec.structs.replace(load_configuration(folder), config_digest="c" * 64)


def plan_of(case: Path) -> Plan:
    return build(declared(case / "after"), base(case / "before"), PROVENANCE)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_the_plan_is_as_written_down(case: Path, name: str) -> None:
    made = render(plan_of(case), FORMATS[name])
    path = case / name
    if os.environ.get("MODELOPS_WRITE_GOLDEN"):
        path.write_text(made, encoding="utf-8")
    assert made == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.name)
def test_a_plan_written_by_an_earlier_build_is_still_read(case: Path) -> None:
    content = (case / "plan.json").read_bytes()
    assert encode(decode(content, "plan.json")) == content
