"""A row is labeled as its agent was at the row's revision."""

from __future__ import annotations

import pytest

from modelops.ledger.labels import dimensions, fold, label_versions
from modelops.store.books import LabelSpan, UsageGroup
from modelops.store.sums import Packed, Sums, packed

SPANS = [
    LabelSpan(agent="dev", since=5, until=None, labels={"team": "research", "site": "b"}),
    LabelSpan(agent="dev", since=1, until=3, labels={"team": "platform"}),
    LabelSpan(agent="ops", since=2, until=4, labels={"team": "platform"}),
]


def team(agent: str, revision: int) -> str:
    group = UsageGroup(key=(agent, str(revision)), start_us=None, packed=Packed())
    ((found,),) = (each.key for each in fold(("label.team",), [group], SPANS))
    return found


def test_labels_are_those_of_the_rows_revision() -> None:
    assert [team("dev", revision) for revision in range(7)] == [
        "",
        "platform",
        "platform",
        "",
        "",
        "research",
        "research",
    ]
    assert (team("ops", 3), team("ops", 4), team("nobody", 3), team("", 0)) == (
        "platform",
        "",
        "",
        "",
    )


def test_other_dimensions_keep_their_places() -> None:
    by = ("label.team", "provider", "label.site")
    assert dimensions(by) == ("provider", "agent", "revision")
    assert dimensions(("agent", "label.team")) == ("agent", "revision")
    assert dimensions(("agent", "provider")) == ("agent", "provider")
    group = UsageGroup(key=("openai", "dev", "6"), start_us=7, packed=packed(Sums(requests=1)))
    (found,) = fold(by, [group], SPANS)
    assert (found.key, found.start_us, found.sums.requests) == (("research", "openai", "b"), 7, 1)


@pytest.mark.parametrize("name", ["team", "site", "other"])
def test_within_a_version_an_agent_has_the_same_labels(name: str) -> None:
    by = (f"label.{name}",)
    found = label_versions(by, SPANS)
    assert (
        found
        == {
            "team": {"dev": (0, 1, 3, 5), "ops": (0, 2, 4)},
            "site": {"dev": (0, 5), "ops": (0,)},
            "other": {"dev": (0,), "ops": (0,)},
        }[name]
    )
    for revision in range(9):
        for agent in ("dev", "ops", "nobody"):
            version = max(start for start in found.get(agent, (0,)) if start <= revision)
            groups = [
                UsageGroup(key=(agent, str(each)), start_us=None, packed=Packed())
                for each in (version, revision)
            ]
            here, there = fold(by, groups, SPANS)
            assert here.key == there.key
