"""The metrics of OpenTelemetry: few series, since every attribute is declared somewhere.

They tell much of what `/metrics` tells, to those who have a collector and no Prometheus.
"""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.metrics import Meter

from modelops.metering.attempt import PICO_PER_USD, Attempt, request_status
from modelops.server.telemetry import attributes, names
from modelops.server.telemetry.attributes import US_PER_S


class Instruments:
    """What is counted."""

    def __init__(self, meter: Meter) -> None:
        self._tokens = meter.create_histogram(
            names.TOKEN_USAGE_METRIC,
            unit="{token}",
            description="Tokens of one call, as the provider reports them.",
            explicit_bucket_boundaries_advisory=names.TOKEN_BUCKETS,
        )
        self._calls = meter.create_histogram(
            names.OPERATION_DURATION_METRIC,
            unit="s",
            description="Duration of one call to a provider.",
            explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS,
        )
        self._first_chunks = meter.create_histogram(
            names.FIRST_CHUNK_METRIC,
            unit="s",
            description="Time until the first content of a stream.",
            explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS,
        )
        self._requests = meter.create_histogram(
            names.REQUEST_DURATION_METRIC,
            unit="s",
            description="Duration of one request, all its attempts included.",
            explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS,
        )
        self._cost = meter.create_counter(
            names.COST_METRIC, unit="{USD}", description="Cost where it is known."
        )

    def count(self, attempts: Sequence[Attempt], duration_us: int) -> None:
        """Count a request with its attempts, the last one last."""
        last = attempts[-1]
        about = {**attributes.operation(last), names.STATUS: request_status(last)}
        self._requests.record(max(0, duration_us) / US_PER_S, about)
        for attempt in attempts:
            if attempt.provider:
                self._count(attempt)

    def _count(self, attempt: Attempt) -> None:
        about = attributes.operation(attempt)
        self._calls.record(attempt.latency_us / US_PER_S, about)
        if attempt.first_content_us is not None:
            self._first_chunks.record(attempt.first_content_us / US_PER_S, about)
        if attempt.cost.total_pico is not None:
            self._cost.add(attempt.cost.total_pico / PICO_PER_USD, about)
        usage = attempt.usage
        for kind, tokens in (("input", usage.input_tokens), ("output", usage.output_tokens)):
            if tokens is not None:
                self._tokens.record(tokens, {**about, names.TOKEN_TYPE: kind})
