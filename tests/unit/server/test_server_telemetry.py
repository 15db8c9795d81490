"""OpenTelemetry from the records of the books: spans, metrics, and what is never told."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from typing import Any

import pytest
from memory_store import MemoryStore
from opentelemetry.sdk.metrics.export import HistogramDataPoint
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.semconv.schemas import Schemas
from opentelemetry.trace import SpanKind, StatusCode
from server_support import ask, make_runtime, serving, state
from telemetry_support import CANARY, PARENT, START_US, TRACE, Bench, attempt, call, failed

from modelops.gateway.call import Call, Reply
from modelops.metering.attempt import Cost, Usage
from modelops.server.telemetry import ENDPOINT, attributes, names, telemetry
from modelops.server.telemetry.otlp import resource


@pytest.fixture
def bench() -> Bench:
    return Bench()


def about(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_request_is_a_span_with_a_child_for_each_attempt(bench: Bench) -> None:
    second = attempt(
        provider="openai",
        model="gpt-4o",
        position=1,
        number=1,
        stream=True,
        first_content_us=400_000,
        started_at_us=START_US + 3_500_000,
        latency_us=1_000_000,
        usage=Usage(
            source="reported",
            input_tokens=100,
            output_tokens=20,
            cache_read_tokens=60,
            cache_write_tokens=5,
            cache_write_1h_tokens=7,
            reasoning_tokens=4,
        ),
        cost=Cost(source="declared", total_pico=1_500_000_000),
    )
    bench.run(failed(), second)
    first, other, request = bench.finished()
    assert (request.name, request.kind) == ("POST /v1/chat/completions", SpanKind.SERVER)
    assert (request.start_time, request.end_time) == (
        START_US * 1000,
        (START_US + 5_000_000) * 1000,
    )
    assert request.parent is None
    assert request.status.status_code is StatusCode.UNSET
    assert about(request) == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "modelops.request_id": "r1",
        "modelops.agent": "dev-agent",
        "modelops.chain": "production",
        "modelops.revision": 3,
        "modelops.status": "fallback",
        "modelops.attempts": 2,
    }
    for child in (first, other):
        assert child.kind is SpanKind.CLIENT
        assert child.parent is not None
        assert request.context is not None
        assert child.parent.span_id == request.context.span_id
    assert first.name == "chat gemini-2.5-flash"
    assert first.status.status_code is StatusCode.ERROR
    assert first.start_time == (START_US + 1_000_000) * 1000
    assert first.end_time == (START_US + 3_000_000) * 1000
    assert about(first)["error.type"] == "overloaded"
    assert about(first)["gen_ai.provider.name"] == "gcp.gemini"
    assert about(first)["modelops.provider"] == "google"
    assert about(first)["http.response.status_code"] == 529
    assert about(other) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.stream": True,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.response.time_to_first_chunk": 0.4,
        "gen_ai.usage.input_tokens": 100,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 60,
        "gen_ai.usage.cache_creation.input_tokens": 12,
        "gen_ai.usage.reasoning.output_tokens": 4,
        "http.response.status_code": 200,
        "modelops.provider": "openai",
        "modelops.position": 1,
        "modelops.number": 1,
        "modelops.outcome": "success",
        "modelops.cost_usd": 0.0015,
        "modelops.cost_source": "declared",
        "modelops.simulated": False,
    }


def test_joins_the_trace_of_its_caller(bench: Bench) -> None:
    headers = {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode(), b"tracestate": b"vendor=1"}
    bench.run(attempt(), headers=headers)
    child, request = bench.finished()
    for span in (child, request):
        assert span.context is not None
        assert f"{span.context.trace_id:032x}" == TRACE
        assert span.context.trace_state.get("vendor") == "1"
    assert request.parent is not None
    assert f"{request.parent.span_id:016x}" == PARENT


def test_is_left_out_of_a_trace_that_is_not_sampled_but_counted(bench: Bench) -> None:
    bench.run(attempt(), headers={b"traceparent": f"00-{TRACE}-{PARENT}-00".encode()})
    assert not bench.finished()
    assert bench.points("gen_ai.server.request.duration")


@pytest.mark.parametrize("value", [b"", b"nonsense", b"00-0-0-01", b"\xff" * 400])
def test_a_malformed_trace_is_none(bench: Bench, value: bytes) -> None:
    bench.run(attempt(), headers={b"traceparent": value, b"tracestate": b"\xff=,,="})
    *_, request = bench.finished()
    assert request.parent is None


def test_a_refused_request_has_no_child(bench: Bench) -> None:
    refused = attempt(
        outcome="refused", provider="", model="", position=-1, error_class="model_not_found"
    )
    bench.run(refused)
    (request,) = bench.finished()
    assert about(request)["modelops.status"] == "refused"
    assert about(request)["error.type"] == "model_not_found"
    assert about(request)["modelops.attempts"] == 0
    assert request.status.status_code is StatusCode.UNSET
    assert not bench.points("gen_ai.client.operation.duration")


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("failed", StatusCode.ERROR),
        ("interrupted", StatusCode.ERROR),
        ("cancelled", StatusCode.UNSET),
    ],
)
def test_what_failed_is_an_error(bench: Bench, outcome: str, status: StatusCode) -> None:
    bench.run(failed(outcome=outcome, final=True))
    assert {span.status.status_code for span in bench.finished()} == {status}


def test_nothing_of_what_was_said_is_told(bench: Bench) -> None:
    bench.run(failed(), attempt())
    data = bench.reader.get_metrics_data()
    told = "".join(str(span.to_json()) for span in bench.finished()) + str(data)
    assert "dev-agent" in told
    assert CANARY not in told


def test_metrics_are_counted_by_what_is_declared(bench: Bench) -> None:
    usage = Usage(source="reported", input_tokens=10, output_tokens=3)
    paid = attempt(usage=usage, cost=Cost(source="catalog", total_pico=2_000_000_000_000))
    bench.run(failed(), paid)
    bench.run(attempt(stream=True, first_content_us=30_000))
    model = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-2.5-flash",
    }
    calls = bench.points(names.OPERATION_DURATION_METRIC)
    assert calls[frozenset(model.items())].count == 2
    assert calls[frozenset((model | {"error.type": "overloaded"}).items())].count == 1
    tokens = bench.points(names.TOKEN_USAGE_METRIC)
    for kind, expected in (("input", 10), ("output", 3)):
        point = tokens[frozenset((model | {"gen_ai.token.type": kind}).items())]
        assert (point.count, point.sum) == (1, expected), "unknown is not 0"
        assert tuple(point.explicit_bounds) == names.TOKEN_BUCKETS
    requests = bench.points(names.REQUEST_DURATION_METRIC)
    (served,) = requests.values()
    assert isinstance(served, HistogramDataPoint)
    assert (served.count, served.sum) == (2, 15.0)
    assert bench.points(names.COST_METRIC)[frozenset(model.items())].value == 2.0
    (first,) = bench.points(names.FIRST_CHUNK_METRIC).values()
    assert first.sum == 0.03


def test_the_books_come_first_and_nothing_is_kept(bench: Bench) -> None:
    late = attempt(request_id="another")
    bench.telemetry.begin(late)
    bench.telemetry.record(late)
    with bench.telemetry.request(call()):
        pass
    assert (bench.books.begun, bench.books.rows) == ([late], [late])
    assert not bench.finished()
    assert not bench.telemetry._running


async def test_the_data_plane_has_each_request_followed(bench: Bench) -> None:
    async def script(asked: Call, reply: Reply) -> None:
        now_us = asked.received_at_us
        bench.telemetry.record(attempt(request_id=asked.request_id, started_at_us=now_us))
        bench.clock.epoch_us = now_us + 10
        reply.start(200, b"", 0)
        reply.finish()
        raise RuntimeError("after the answer")

    runtime = make_runtime(MemoryStore(state()), script)
    runtime.telemetry = bench.telemetry
    async with serving(runtime) as port:
        answer = await ask(port, headers=[f"traceparent: 00-{TRACE}-{PARENT}-01"])
    assert answer.status == 200
    *_, request = bench.finished()
    assert request.parent is not None
    assert request.end_time is not None
    assert request.start_time is not None
    assert request.end_time - request.start_time == 10_000
    assert not bench.telemetry._running


def test_names_are_those_of_the_convention() -> None:
    known = {value for name, value in vars(gen_ai_attributes).items() if name.startswith("GEN_AI")}
    known |= {value for name, value in vars(gen_ai_metrics).items() if name.startswith("GEN_AI")}
    used = [value for name, value in vars(names).items() if name.isupper()]
    ours = {value for value in used if isinstance(value, str) and value.startswith("gen_ai.")}
    assert len(ours) == 16
    assert ours <= known
    assert Schemas.V1_44_0.value == names.SCHEMA_URL
    providers = {item.value for item in gen_ai_attributes.GenAiProviderNameValues}
    assert set(names.PROVIDERS.values()) <= providers


def test_the_environment_names_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resource("i1").attributes["service.name"] == "modelops"
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=ours,deployment.environment=prod")
    attributes = resource("i1").attributes
    assert attributes["service.name"] == "ours"
    assert attributes["deployment.environment"] == "prod"
    assert attributes["service.instance.id"] == "i1"


def test_is_off_and_not_imported_unless_asked_for() -> None:
    script = (
        "import sys, modelops.server.lifecycle\n"
        "from modelops.server.telemetry import telemetry\n"
        "assert telemetry({}, None, None, 'i1') is None\n"
        "sys.exit(any(name.startswith('opentelemetry') for name in sys.modules))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_says_what_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("no", name="opentelemetry.sdk")

    monkeypatch.setattr(importlib, "import_module", missing)
    with caplog.at_level(logging.WARNING):
        assert telemetry({ENDPOINT: "http://x"}, bench.books, bench.clock, "i1") is None
    (record,) = caplog.records
    assert "opentelemetry.sdk is missing" in record.getMessage()
    assert "pip install opentelemetry-sdk" in record.getMessage()


def test_every_endpoint_has_an_operation() -> None:
    from modelops.server.data_plane import ROUTES

    assert {route.endpoint for route in ROUTES} == names.OPERATIONS.keys()
    assert attributes.operation(attempt(endpoint="/v1/embeddings"))[names.OPERATION] == "embeddings"
