"""Write docs/failures.md: what the gateway makes of every failure, from the tables it uses.

    python scripts/failures.py

The rules come from modelops/gateway, the matrix from the table that its test checks through the
running server. A unit test compares the page with what this writes.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modelops.gateway.classify import KIND_OF_CODE, KIND_OF_STATUS
from modelops.gateway.failover import NEXT_AT_ONCE
from modelops.gateway.failure import POLICIES, QUOTING, Kind, Policy

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "failures.md"

MEANING: Mapping[Kind, str] = {
    "connect": "no connection: refused, unknown host, TLS",
    "timeout": "no connection, first content or further piece in time",
    "transient": "the provider's trouble, or a connection that broke",
    "invalid_answer": "not HTTP, a redirect, a page instead of JSON, an answer without content",
    "model_fault": "the model broke its own tool call or JSON",
    "rate_limit": "too many requests or tokens",
    "credential": "the key is wrong or may not",
    "quota": "no money or a spent quota, whatever the status",
    "model_gone": "the provider has no such model",
    "context_length": "the request is too long for the model",
    "unsupported": "the model does not take images, tools, ...",
    "caller": "the request is wrong",
}

HEAD = """\
# What becomes of a provider's failure

Written by `python scripts/failures.py` from the tables the gateway uses; do not edit. How chains,
retries and deadlines work: [gateway.md](gateway.md).

## Kinds

Every failed call has one kind, the `error_class` of its row in the books. A code in the body
decides first, then the wording, then the status.
"""

BETWEEN = """
The message of a row is the provider's, without keys and at most 300 characters. Of {quoting},
and of any 400, 413 and 422, it holds codes only: such a message may quote the request, and the
books hold no prompt. The caller gets the message itself.

## Statuses and codes
"""

MATRIX = """
Any other 4xx is `caller`, any other 5xx `transient`; a redirect is `invalid_answer` and never
followed.

## What the client sees

Each failure below is made in a provider behind the running server, for plain and streamed
requests, from OpenAI and Anthropic clients, with a healthy target behind it and without. "Made
good": the client gets the healthy target's answer, and `x-modelops-attempts` shows the failure.
"""


def page() -> str:
    """Return the page."""
    quoting = ", ".join(f"`{kind}`" for kind in sorted(QUOTING))
    lines = [HEAD, *_kinds(), BETWEEN.format(quoting=quoting), *_statuses(), MATRIX, *_matrix()]
    return "\n".join(lines) + "\n"


def _kinds() -> Iterator[str]:
    yield "| kind | means | same target again | next target | breaker counts it | cools |"
    yield "|---|---|---|---|---|---|"
    for kind, policy in POLICIES.items():
        cells = (f"`{kind}`", MEANING[kind], *_policy(kind, policy))
        yield f"| {' | '.join(cells)} |"


def _policy(kind: Kind, policy: Policy) -> tuple[str, str, str, str]:
    again = "yes" if policy.retry else "no"
    if policy.retry and kind in NEXT_AT_ONCE:
        again = "only when it is the last"
    following = "yes" if policy.failover else "no: returned to the caller"
    if policy.fits:
        following = "if it can carry the request; else returned to the caller"
    return (
        again,
        following,
        "yes" if policy.breaker else "no",
        {"": "nothing", "credential": "the key", "model": "the model"}.get(
            policy.cools, "the target"
        ),
    )


def _statuses() -> Iterator[str]:
    statuses: dict[Kind, list[str]] = defaultdict(list)
    codes: dict[Kind, list[str]] = defaultdict(list)
    for status, kind in KIND_OF_STATUS.items():
        statuses[kind].append(str(status))
    for code, kind in KIND_OF_CODE.items():
        codes[kind].append(f"`{code}`")
    yield "| kind | statuses | codes in the body |"
    yield "|---|---|---|"
    for kind in POLICIES:
        if statuses[kind] or codes[kind]:
            yield f"| `{kind}` | {' '.join(statuses[kind])} | {' '.join(codes[kind])} |"


def _matrix() -> Iterator[str]:
    yield "| failure | shown as | healthy target behind it | alone, plain | alone, streamed |"
    yield "|---|---|---|---|---|"
    for name, expected in _table().items():
        backed = "returned as it is" if expected.caller else "made good"
        streamed = _alone(expected, "stream", expected.streamed)
        if expected.streamed == 200 and "stream" not in expected.survived:
            backed += "; not once content flowed"
            streamed = "error event after what had flowed, else 502"
        if expected.survived:
            backed = "no failure" if "plain, stream" in expected.survived else backed
        plain = _alone(expected, "plain", expected.plain)
        yield f"| {name} | `{expected.story}` | {backed} | {plain} | {streamed} |"


def _alone(expected: Any, how: str, status: int) -> str:
    return "answered" if how in expected.survived else str(status)


def _table() -> Mapping[str, Any]:
    """Return the matrix, whose module lies among the tests."""
    path = REPOSITORY / "tests" / "e2e" / "gateway_matrix.py"
    spec = importlib.util.spec_from_file_location("gateway_matrix", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    table: Mapping[str, Any] = module.TABLE
    return table


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
