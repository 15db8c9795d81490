"""Sending traces and metrics to a collector: OTLP over HTTP, set by the standard OTEL_* variables.

The SDK reads those itself: endpoint, headers, certificates, sampler, batch sizes, intervals. It
sends from threads of its own; a collector that is away costs lines in the log, never a request.
"""

from __future__ import annotations

import logging
import threading
import time

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from modelops import __version__
from modelops.gateway.call import Clock, Recorder
from modelops.server.telemetry import names
from modelops.server.telemetry.tracing import Tracing

logger = logging.getLogger(__name__)

CLOSE_S = 3.0
"""Seconds a stopping worker waits for the collector: one that is away would hold it for 13."""


class Exporting(Tracing):
    """Telemetry with the pipelines behind it."""

    def __init__(
        self,
        recorder: Recorder,
        clock: Clock,
        instance: str,
        spans: SpanProcessor,
        metrics: MetricReader,
    ) -> None:
        about = resource(instance)
        self._traces = TracerProvider(resource=about, shutdown_on_exit=False)
        self._traces.add_span_processor(spans)
        self._meters = MeterProvider([metrics], resource=about, shutdown_on_exit=False)
        tracer = self._traces.get_tracer(names.SCOPE, __version__, names.SCHEMA_URL)
        meter = self._meters.get_meter(names.SCOPE, __version__, names.SCHEMA_URL)
        super().__init__(recorder, clock, tracer, meter)

    def close(self) -> None:
        """Send what has not been sent, and give it up where that takes too long; blocks."""
        ends = [
            threading.Thread(target=pipeline.shutdown, daemon=True)
            for pipeline in (self._traces, self._meters)
        ]
        for end in ends:
            end.start()
        given_up_at = time.monotonic() + CLOSE_S
        for end in ends:
            end.join(max(0.0, given_up_at - time.monotonic()))
        if any(end.is_alive() for end in ends):
            logger.warning("the OpenTelemetry collector did not take the last traces and metrics")


def exporting(recorder: Recorder, clock: Clock, instance: str) -> Exporting:
    """Return telemetry that goes where the environment says.

    Of a collector that is away the log says each batch that is lost, not each time it was tried.
    """
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)
    return Exporting(
        recorder,
        clock,
        instance,
        BatchSpanProcessor(OTLPSpanExporter()),
        PeriodicExportingMetricReader(OTLPMetricExporter()),
    )


def resource(instance: str) -> Resource:
    """Return what the collector is told of this worker; OTEL_RESOURCE_ATTRIBUTES wins."""
    defaults = {
        "service.name": "modelops",
        "service.version": __version__,
        "service.instance.id": instance,
    }
    return Resource.create(defaults).merge(OTELResourceDetector().detect())
