"""Telemetry to test with: a clock to turn, the books behind, and all that is sent at hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import row_samples
from doubles import FakeClock, Recorder
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from modelops.gateway.call import Call
from modelops.metering.attempt import Attempt
from modelops.server.telemetry.otlp import Exporting

START_US = 1_700_000_000_000_000
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
CANARY = "sk-canary"


class Bench:
    """Telemetry with everything it sends at hand."""

    def __init__(self) -> None:
        self.books, self.clock = Recorder(), FakeClock(0.0, START_US)
        self.spans, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.telemetry = Exporting(
            self.books, self.clock, "i1", SimpleSpanProcessor(self.spans), self.reader
        )

    def run(self, *attempts: Attempt, headers: dict[bytes, bytes] | None = None) -> None:
        """Let one request have these attempts."""
        with self.telemetry.request(call(headers)):
            for attempt in attempts:
                self.telemetry.record(attempt)
            self.clock.now += 5.0

    def finished(self) -> Sequence[ReadableSpan]:
        return self.spans.get_finished_spans()

    def points(self, name: str) -> dict[frozenset[tuple[str, Any]], Any]:
        data = self.reader.get_metrics_data()
        assert data is not None
        return {
            frozenset((point.attributes or {}).items()): point
            for metrics in data.resource_metrics
            for scope in metrics.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        }


def call(headers: dict[bytes, bytes] | None = None) -> Call:
    return Call(
        endpoint="/v1/chat/completions",
        dialect="openai",
        body=f'{{"messages": "{CANARY}"}}'.encode(),
        headers={b"authorization": f"Bearer {CANARY}".encode(), **(headers or {})},
        agent="dev-agent",
        request_id="r1",
        received_at_us=START_US,
    )


def attempt(**fields: Any) -> Attempt:
    values: dict[str, Any] = {
        "attempt_id": "a1",
        "request_id": "r1",
        "started_at_us": START_US + 1_000_000,
        "revision": 3,
        "agent": "dev-agent",
        "user": CANARY,
        "client_request_id": CANARY,
        "chain": "production",
        "provider": "google",
        "model": "gemini-2.5-flash",
        "status": 200,
        "finish_reason": "stop",
        "latency_us": 2_000_000,
    }
    return row_samples.attempt(**(values | fields))


def failed(**fields: Any) -> Attempt:
    values = {
        "outcome": "failed",
        "status": 529,
        "error_class": "overloaded",
        "message": CANARY,
        "finish_reason": "",
        "final": False,
    }
    return attempt(**(values | fields))
