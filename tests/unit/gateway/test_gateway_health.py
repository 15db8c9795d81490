"""What cools, for whom and how long, by given times."""

from __future__ import annotations

import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.credential import Credential
from modelops.gateway.failure import Failure, Kind
from modelops.gateway.health import Health

TARGET = table(provider("one"), model("one/a")).models["one/a"]
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


def failure(kind: Kind, retry_after: float | None = None) -> Failure:
    return Failure(kind=kind, message="", label="", retry_after=retry_after)


@pytest.mark.parametrize(
    ("kind", "asked", "seconds"),
    [("rate_limit", 7.0, 7.0), ("rate_limit", None, 10.0), ("rate_limit", 9e4, 3600.0),
     ("credential", None, 300.0), ("quota", 900.0, 900.0), ("model_gone", None, 300.0)],
)  # fmt: skip
def test_what_cools_and_how_long(kind: Kind, asked: float | None, seconds: float) -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, CHAT, failure(kind, asked), 0)
    assert health.cooling(TARGET, key, CHAT, 0) == seconds
    assert health.blocked(TARGET, key, CHAT, seconds - 1) == "cooling"
    assert health.blocked(TARGET, key, CHAT, seconds) == ""
    assert health.cooling(TARGET, Credential(b"new key"), CHAT, 0) == 0, "a new key starts fresh"


def test_a_model_cools_for_the_endpoint_that_misses_it_only() -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, RESPONSES, failure("model_gone"), 0)
    assert health.cooling(TARGET, key, CHAT, 0) == 0


def test_cooling_again_never_shortens() -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, CHAT, failure("rate_limit", 100), 0)
    health.failed(TARGET, key, CHAT, failure("rate_limit", 1), 0)
    assert health.cooling(TARGET, key, CHAT, 0) == 100
    health.succeeded(TARGET, key, CHAT, 1)
    assert health.cooling(TARGET, key, CHAT, 1) == 0


def test_rate_limits_and_callers_faults_never_open_a_breaker() -> None:
    health, key = Health(), Credential(b"key")
    for kind in ("rate_limit", "caller", "credential", "context_length"):
        for _ in range(30):
            health.failed(TARGET, key, CHAT, failure(kind), 0)
    assert health.breaker(TARGET).allows(0)
