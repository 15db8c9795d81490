"""A declared chain to a resolved one: every target with its timeouts, in milliseconds."""

from __future__ import annotations

from modelops.config.declaration import Entry
from modelops.config.resolve.fill import Fill
from modelops.config.resolve.models import capabilities
from modelops.resources import declared, defaults, resolved
from modelops.resources.durations import milliseconds


def resolve_chain(entry: Entry[declared.Chain]) -> resolved.Chain:
    """Return a chain resolved."""
    value = entry.value
    fill = Fill(entry.document.data)
    fill.fixed("aliases", "requires", "protected")
    for name in ("deadline", "max_duration"):
        if name not in fill.written:
            fill.sources[f"{name}_ms"] = "default"
    deadline = milliseconds(value.deadline)
    several = len(value.targets) > 1
    usual = defaults.TIMEOUT_OF_SEVERAL_MS if several else defaults.TIMEOUT_MS
    return resolved.Chain(
        chain=value.chain,
        display_name=fill.default("display_name", value.display_name, value.chain),
        aliases=value.aliases,
        requires=capabilities(value.requires) or (),
        targets=tuple(
            _target(target, raw, usual, deadline, fill)
            for target, raw in zip(value.targets, fill.written["targets"], strict=True)
        ),
        deadline_ms=deadline,
        max_duration_ms=milliseconds(value.max_duration),
        max_attempts=fill.default(
            "max_attempts", value.max_attempts, len(value.targets) + defaults.SPARE_ATTEMPTS
        ),
        protected=value.protected,
        sources=fill.sources,
    )


def _target(
    value: declared.Target, written: object, usual_ms: int, deadline_ms: int, fill: Fill
) -> resolved.Target:
    path = f"targets[{value.model}]"
    if isinstance(written, dict) and "max_retries" not in written:
        fill.sources[f"{path}.max_retries"] = "default"
    timeout = milliseconds(value.timeout) if value.timeout else None
    answer_timeout = milliseconds(value.answer_timeout) if value.answer_timeout else None
    return resolved.Target(
        model=value.model,
        max_retries=value.max_retries,
        timeout_ms=fill.default(f"{path}.timeout_ms", timeout, usual_ms),
        answer_timeout_ms=fill.default(f"{path}.answer_timeout_ms", answer_timeout, deadline_ms),
    )
