"""An attempt that is counted, and what /metrics then says."""

from __future__ import annotations

from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families
from row_samples import attempt
from server_support import ask, serving

from modelops.metering.attempt import Cost, Usage
from modelops.server.runtime import Runtime

ATTEMPT = attempt(
    started_at_us=1_800_000_000_000_000,
    usage=Usage(source="reported", input_tokens=100, output_tokens=20),
    cost=Cost(source="declared", total_pico=300_000_000),
    latency_us=700_000,
    first_content_us=120_000,
)


def record(runtime: Runtime, **changes: Any) -> None:
    runtime.observer.record(msgspec.structs.replace(ATTEMPT, **changes))


async def samples(runtime: Runtime) -> dict[tuple[str, ...], float]:
    """Return every sample by its name and the values of its labels."""
    async with serving(runtime) as port:
        answer = await ask(port, "/metrics", method="GET")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(answer.body.decode())
        for sample in family.samples
    }
