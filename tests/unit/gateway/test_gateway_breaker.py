"""The breaker and what cools, by given times."""

from __future__ import annotations

import pytest
from gateway_doubles import model, provider, table

from modelops.gateway.breaker import IN_A_ROW, Breaker
from modelops.gateway.credential import Credential
from modelops.gateway.failure import Failure, Kind
from modelops.gateway.health import Health


def failing(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        breaker.start(now)
        breaker.failure(now)


def test_it_opens_after_five_in_a_row_and_probes_once() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW - 1, 0)
    assert breaker.allows(0)
    failing(breaker, 1, 0)
    assert (breaker.state(0), breaker.allows(0), breaker.opens_again(0)) == ("open", False, 30)
    assert breaker.state(30) == "half_open"
    assert breaker.allows(30)
    breaker.start(30)
    assert not breaker.allows(30), "one probe at a time"
    breaker.success(31)
    assert breaker.state(31) == "closed"


def test_a_failed_probe_opens_it_for_longer() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 0)
    failing(breaker, 1, 30)
    assert breaker.opens_again(30) == 60
    failing(breaker, 1, 90)
    assert breaker.opens_again(90) == 90


def test_an_abandoned_probe_lets_another_try() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 0)
    breaker.start(30)
    breaker.abandon()
    assert breaker.allows(30)


def test_half_of_twenty_in_a_minute_opens_it() -> None:
    breaker = Breaker()
    for now in range(19):
        breaker.start(now)
        (breaker.failure if now % 2 else breaker.success)(now)
    assert breaker.allows(19)
    breaker.failure(19)
    assert not breaker.allows(19)


def test_what_is_older_than_a_minute_does_not_count() -> None:
    breaker = Breaker()
    for now in range(0, 400, 20):
        (breaker.failure if now % 40 else breaker.success)(float(now))
    assert breaker.allows(400)


def test_it_forgets_how_often_it_was_open() -> None:
    breaker = Breaker()
    failing(breaker, IN_A_ROW, 0)
    breaker.start(30)
    breaker.success(30)
    failing(breaker, IN_A_ROW, 700)
    assert breaker.opens_again(700) == 30


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
