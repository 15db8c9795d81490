"""`modelops serve` and an OTLP collector: what arrives there over HTTP, and what never does."""

from __future__ import annotations

import gzip
import http.client
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from server_process import modelops, serving, simulator, write_configuration
from threaded_server import running

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
KEY, PROMPT, USER = "sk-canary-key", "prompt-canary", "user-canary"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and keeps the bodies, by path."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: dict[str, list[bytes]] = {}

    @property
    def url(self) -> str:
        """The endpoint to export to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers["content-encoding"] == "gzip":
            body = gzip.decompress(body)
        self.server.received.setdefault(self.path, []).append(body)
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[bytes]]:
    """Serve one request that falls back, stop, and return what the collector has got."""
    folder = tmp_path_factory.mktemp("telemetry")
    with simulator() as upstream, running(Collector()) as sink:
        write_configuration(folder, upstream)
        first = folder / "providers.d/first.yaml"
        first.write_text(first.read_text().replace(f"{upstream}/first", "http://127.0.0.1:9"))
        environ = {"MODELOPS_SECRET_TEST": KEY, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
        applied = modelops("apply", "-C", str(folder), "--yes", **environ)
        assert applied.returncode == 0, applied.stderr
        with serving(folder, **environ) as server:
            ask(server.url)
            assert server.stop() == 0
            assert "Traceback" not in server.errors.read_text()
        return sink.received


def ask(url: str) -> None:
    content = {
        "model": "production",
        "user": USER,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    headers = {"content-type": "application/json", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(content), headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.headers["x-modelops-fallback"] == "true"
    finally:
        connection.close()


def read(pairs: Any) -> dict[str, Any]:
    """Return attributes as plain values."""

    def value(pair: KeyValue) -> Any:
        return getattr(pair.value, str(pair.value.WhichOneof("value")))

    return {pair.key: value(pair) for pair in pairs}


def test_a_request_arrives_as_a_trace_with_its_attempts(received: dict[str, list[bytes]]) -> None:
    spans = []
    for body in received["/v1/traces"]:
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            assert read(part.resource.attributes)["service.name"] == "modelops"
            for scope in part.scope_spans:
                assert scope.scope.name == "modelops"
                spans += scope.spans
    (request,) = [span for span in spans if span.name == "POST /v1/chat/completions"]
    children = [span for span in spans if span is not request]
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert request.parent_span_id.hex() == PARENT
    assert {span.parent_span_id for span in children} == {request.span_id}
    assert read(request.attributes)["modelops.status"] == "fallback"
    failed, served = [read(span.attributes) for span in children]
    assert (failed["modelops.provider"], failed["modelops.outcome"]) == ("first", "failed")
    assert failed["error.type"]
    assert (served["modelops.provider"], served["modelops.outcome"]) == ("second", "success")
    assert served["gen_ai.usage.input_tokens"] > 0


def test_metrics_arrive_with_the_stop(received: dict[str, list[bytes]]) -> None:
    seen = {
        metric.name
        for body in received["/v1/metrics"]
        for part in ExportMetricsServiceRequest.FromString(body).resource_metrics
        for scope in part.scope_metrics
        for metric in scope.metrics
    }
    assert seen >= {
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "gen_ai.server.request.duration",
    }


def test_no_key_prompt_or_user_arrives(received: dict[str, list[bytes]]) -> None:
    everything = b"".join(body for bodies in received.values() for body in bodies)
    assert b"production" in everything
    for canary in (KEY, PROMPT, USER):
        assert canary.encode() not in everything


def test_a_collector_that_is_away_disturbs_no_request(tmp_path: Path) -> None:
    with simulator() as upstream:
        write_configuration(tmp_path, upstream)
        environ = {
            "MODELOPS_SECRET_TEST": KEY,
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
        }
        assert modelops("apply", "-C", str(tmp_path), "--yes", **environ).returncode == 0
        with serving(tmp_path, **environ) as server:
            assert server.ask()[0] == 200
            assert server.stop() == 0
            assert "collector did not take the last" in server.errors.read_text()
