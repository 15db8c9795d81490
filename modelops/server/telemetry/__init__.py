"""OpenTelemetry, for those who ask for it: traces and metrics made of the records of the books.

Nothing of it is imported unless the standard variable OTEL_EXPORTER_OTLP_ENDPOINT is set, and then
it needs the extra `modelops[otel]`. No prompt, answer, key, header, end user or error message is in
any attribute: what the books do not hold, or hold for reports alone, is not sent elsewhere.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from modelops.gateway.call import Call, Clock, Recorder

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
"""https://opentelemetry.io/docs/specs/otel/protocol/exporter/"""

logger = logging.getLogger(__name__)


class Telemetry(Recorder, Protocol):
    """A recorder that also tells OpenTelemetry of every request."""

    def request(self, call: Call) -> AbstractContextManager[None]:
        """Follow one request from here to the end of its answer."""
        ...

    def close(self) -> None:
        """Send what has not been sent; blocks, for a few seconds at most."""
        ...


def telemetry(
    environ: Mapping[str, str], recorder: Recorder, clock: Clock, instance: str
) -> Telemetry | None:
    """Return the telemetry that the environment asks for, before `recorder`; None for none.

    `instance` tells this worker from others. Without the extra it warns and is None.
    """
    if not environ.get(ENDPOINT):
        return None
    try:
        otlp = importlib.import_module("modelops.server.telemetry.otlp")
    except ImportError as error:
        logger.warning(
            "%s is set, but %s is missing and nothing is exported; pip install "
            "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http",
            ENDPOINT,
            error.name,
        )
        return None
    made: Telemetry = otlp.exporting(recorder, clock, instance)
    return made
