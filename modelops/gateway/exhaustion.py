"""The error when no target of a chain answered: one line for each, and the right status."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelops.gateway.context import MOMENT
from modelops.gateway.errors import DO_NOT_RETRY, GatewayError
from modelops.gateway.failure import Failure
from modelops.gateway.table import Target

REQUEST_UNSUPPORTED = frozenset({"cannot-carry", "not-spoken", "wrong-type"})
"""Skip reasons that concern only this request."""

THREADLESS = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
"""Details of the 400 after which Anthropic's SDKs send the whole conversation, without `thread`
(`lib/threads` in the Python SDK, `lib/internal/threads` in TypeScript's)."""

Tried = Sequence[tuple[Target, Failure]]


def not_as_it_is(tried: Tried, skipped: Sequence[str], *, threaded: bool) -> GatewayError:
    """Return the error of a request that its client will send again in another form.

    `threaded`: its thread kept it from some of its targets.
    """
    lines = "\n".join(_lines(tried, skipped))
    message = f"no target could serve this request as it is:\n{lines}"
    details = THREADLESS if threaded else None
    return GatewayError(400, "unsupported_feature", message, details=details)


def nothing_tried(skipped: Sequence[str], labels: Sequence[str]) -> GatewayError:
    """Return the error of a request for which no target was called."""
    lines = "\n".join(skipped) or "the deadline or the attempt cap left no room"
    if labels and set(labels) <= REQUEST_UNSUPPORTED:
        return GatewayError(
            400, "unsupported_feature", f"no target can carry this request:\n{lines}"
        )
    if labels and set(labels) <= {"busy", *REQUEST_UNSUPPORTED}:
        headers = (DO_NOT_RETRY, (b"retry-after", b"1"))
        return GatewayError(
            429, "at_capacity", f"every target is at its limit:\n{lines}", headers=headers
        )
    return GatewayError(502, "no_usable_target", f"no target can be called:\n{lines}")


def exhausted(
    tried: Tried, skipped: Sequence[str], left: float, cooling: float | None
) -> GatewayError:
    """Return the error of a chain in which every target that was called failed.

    `left` is what remains of the deadline, `cooling` the seconds until the first target may be
    called again, when all were rate limited; None: no wait makes the request fit.
    """
    lines = "\n".join(_lines(tried, skipped))
    if left <= MOMENT:
        return GatewayError(504, "deadline_exceeded", f"the deadline ran out:\n{lines}")
    if all(failure.kind == "rate_limit" for _, failure in tried):
        wait = () if cooling is None else ((b"retry-after", b"%d" % max(1, math.ceil(cooling))),)
        return GatewayError(
            429,
            "rate_limited",
            f"every target is rate limited:\n{lines}",
            headers=(DO_NOT_RETRY, *wait),
        )
    if all(failure.kind == "local" for _, failure in tried):
        return GatewayError(503, "out_of_resources", f"no target could be called:\n{lines}")
    return GatewayError(502, "all_targets_failed", f"every target failed:\n{lines}")


def _lines(tried: Tried, skipped: Sequence[str]) -> list[str]:
    failures = [f"{target.name}: {failure.kind}, {failure.message}" for target, failure in tried]
    return [*failures, *skipped]
