"""Grouping by label: `label.team` is what the row's agent was labeled with at the row's revision.

The books hold agent and revision, never labels, so a label that changes holds from the apply that
changed it, and rows need not be rewritten. Agents without the label, and rows without an agent,
come under ''.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from modelops.resources.errors import ModelopsError
from modelops.store.books import Dimension, LabelSpan, UsageGroup

PREFIX = "label."


def dimensions(by: Sequence[str]) -> tuple[str, ...]:
    """Return the dimensions to ask the store for: labels are found by agent and revision."""
    if PREFIX in by:
        raise ModelopsError(f"{PREFIX!r} names no label", "write label.NAME")
    wanted = [name for name in by if not name.startswith(PREFIX)]
    needed: tuple[Dimension, ...] = ("agent", "revision")
    if len(wanted) < len(by):
        wanted += [name for name in needed if name not in wanted]
    return tuple(wanted)


def label_versions(by: Sequence[str], spans: Sequence[LabelSpan]) -> dict[str, tuple[int, ...]]:
    """Return by agent the first revision of its labels, and those from which on it has others.

    Only labels that are asked for count. Agents that never had a label are left out.
    """
    known = _Labels(spans)
    names = [name[len(PREFIX) :] for name in by if name.startswith(PREFIX)]

    def values(agent: str, revision: int) -> list[str]:
        labels = known.of(agent, revision)
        return [labels.get(name, "") for name in names]

    found: dict[str, set[int]] = {}
    for span in spans:
        changes = found.setdefault(span.agent, {0})
        for revision in (span.since, span.until):
            if revision is not None and values(span.agent, revision) != values(
                span.agent, revision - 1
            ):
                changes.add(revision)
    return {agent: tuple(sorted(changes)) for agent, changes in found.items()}


def fold(
    by: Sequence[str], groups: Sequence[UsageGroup], spans: Sequence[LabelSpan]
) -> list[UsageGroup]:
    """Replace agent and revision by the requested labels."""
    asked = dimensions(by)
    labels = _Labels(spans)
    folded = []
    for group in groups:
        values = dict(zip(asked, group.key, strict=True))
        key = tuple(
            labels.of(values["agent"], int(values["revision"])).get(name[len(PREFIX) :], "")
            if name.startswith(PREFIX)
            else values[name]
            for name in by
        )
        folded.append(UsageGroup(key=key, start_us=group.start_us, packed=group.packed))
    return folded


class _Labels:
    """The labels of every agent at every revision."""

    def __init__(self, spans: Sequence[LabelSpan]) -> None:
        self._spans: dict[str, list[LabelSpan]] = {}
        for span in sorted(spans, key=lambda span: span.since):
            self._spans.setdefault(span.agent, []).append(span)

    def of(self, agent: str, revision: int) -> Mapping[str, str]:
        """Return the labels an agent had at a revision, none when it was not declared."""
        spans = self._spans.get(agent, [])
        place = bisect_right(spans, revision, key=lambda span: span.since) - 1
        if place < 0 or ((until := spans[place].until) is not None and until <= revision):
            return {}
        return spans[place].labels
