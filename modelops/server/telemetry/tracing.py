"""Requests as OpenTelemetry sees them: a span for each, a child for every attempt, and metrics.

While a request runs its records are only kept; spans are made of them once its answer has ended,
so nobody waits for them. The span of the request joins the trace that its caller began
(W3C trace context), and is left out where the caller's is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from opentelemetry.context import Context
from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from modelops.gateway.call import Call, Clock, Recorder
from modelops.metering.attempt import Attempt
from modelops.server.telemetry import attributes, names
from modelops.server.telemetry.instruments import Instruments

_FAILURES = frozenset({"failed", "interrupted"})
_TRACE_HEADERS = ("traceparent", "tracestate")
_CONTEXT = TraceContextTextMapPropagator()


class Tracing:
    """A recorder that keeps the records of running requests and tells of each at its end."""

    def __init__(self, recorder: Recorder, clock: Clock, tracer: Tracer, meter: Meter) -> None:
        self._recorder = recorder
        self._running: dict[str, list[Attempt]] = {}
        self._tracer = tracer
        self._instruments = Instruments(meter)
        self._clock = clock

    @property
    def full(self) -> bool:
        """Whether there is no room for another row."""
        return self._recorder.full

    def begin(self, attempt: Attempt) -> None:
        """Pass on that a call is about to be sent."""
        self._recorder.begin(attempt)

    def record(self, attempt: Attempt) -> None:
        """Pass on a finished attempt, and keep it for the end of its request."""
        self._recorder.record(attempt)
        kept = self._running.get(attempt.request_id)
        if kept is not None:
            kept.append(attempt)

    @contextlib.contextmanager
    def request(self, call: Call) -> Iterator[None]:
        """Keep what is recorded of a request, and emit its spans however it ended."""
        self._running[call.request_id] = []
        try:
            yield
        finally:
            self._emit(call, self._running.pop(call.request_id), self._clock.unix_us())

    def _emit(self, call: Call, attempts: list[Attempt], ended_at_us: int) -> None:
        """Emit the spans of a finished request; a request without attempts has none."""
        if attempts:
            self._trace(call, attempts, ended_at_us)
            self._instruments.count(attempts, ended_at_us - call.received_at_us)

    def _trace(self, call: Call, attempts: list[Attempt], ended_at_us: int) -> None:
        last = attempts[-1]
        span = self._tracer.start_span(
            f"POST {call.endpoint}",
            context=caller_context(call),
            kind=SpanKind.SERVER,
            attributes=attributes.of_request(attempts),
            start_time=call.received_at_us * 1000,
        )
        if not span.is_recording():
            return
        context = set_span_in_context(span)
        for attempt in attempts:
            if attempt.provider:
                self._trace_attempt(attempt, context)
        if last.outcome in _FAILURES:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_at_us * 1000)

    def _trace_attempt(self, attempt: Attempt, context: Context) -> None:
        span = self._tracer.start_span(
            f"{names.OPERATIONS[attempt.endpoint]} {attempt.model}",
            context=context,
            kind=SpanKind.CLIENT,
            attributes=attributes.of_attempt(attempt),
            start_time=attempt.started_at_us * 1000,
        )
        if attempt.outcome in _FAILURES:
            span.set_status(Status(StatusCode.ERROR))
        span.end((attempt.started_at_us + attempt.latency_us) * 1000)


def caller_context(call: Call) -> Context:
    """Return the trace that a request belongs to; an empty context where it names none."""
    carrier = {
        name: value.decode("latin-1")
        for name in _TRACE_HEADERS
        if (value := call.headers.get(name.encode())) is not None
    }
    return _CONTEXT.extract(carrier, context=Context())
