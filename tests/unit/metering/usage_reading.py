"""Usage as it is read from an answer, whole or streamed."""

from __future__ import annotations

from typing import Any

from modelops.metering.attempt import Usage
from modelops.metering.usage import UsageReader, whole_usage
from modelops.resources.resolved import Protocol


def read_usage(protocol: Protocol, body: dict[str, Any]) -> Usage:
    """Return the usage of a whole answer, which is that of a stream of the one event."""
    usage, tier = whole_usage(protocol, body)
    reader = UsageReader(protocol)
    reader.feed(body)
    assert (reader.usage(complete=True), reader.service_tier) == (usage, tier)
    return usage
