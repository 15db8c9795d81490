"""What cools, for whom and how long, by given times."""

from __future__ import annotations

import asyncio
import logging

import pytest
from gateway_doubles import (
    ASK,
    OK,
    Bench,
    FakeResponse,
    agent,
    error,
    model,
    provider,
    story,
    table,
    two_targets,
)

from modelops.gateway.credential import Credential
from modelops.gateway.failure import Failure, Kind
from modelops.gateway.health import Health
from modelops.gateway.upstream.errors import LocalError
from modelops.metering.attempt import NOTHING_USED
from modelops.resources import resolved

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
    health.failed(TARGET, key, CHAT, failure(kind, asked), began=0, now=0)
    assert health.cooling(TARGET, key, CHAT, 0) == seconds
    assert health.blocked(TARGET, key, CHAT, seconds - 1) == "cooling"
    assert health.blocked(TARGET, key, CHAT, seconds) == ""
    assert health.cooling(TARGET, Credential(b"new key"), CHAT, 0) == 0, "a new key starts fresh"


def test_a_model_cools_for_the_endpoint_that_misses_it_only() -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, RESPONSES, failure("model_gone"), began=0, now=0)
    assert health.cooling(TARGET, key, CHAT, 0) == 0


def test_cooling_again_never_shortens() -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, CHAT, failure("rate_limit", 100), began=0, now=0)
    health.failed(TARGET, key, CHAT, failure("rate_limit", 1), began=0, now=0)
    assert health.cooling(TARGET, key, CHAT, 0) == 100
    health.succeeded(TARGET, key, CHAT, began=1, now=1)
    assert health.cooling(TARGET, key, CHAT, 1) == 0


@pytest.mark.parametrize("kind", ["rate_limit", "credential", "model_gone"])
def test_a_call_of_before_does_not_end_the_cooling(kind: Kind) -> None:
    health, key = Health(), Credential(b"key")
    health.failed(TARGET, key, CHAT, failure(kind, 60), began=10, now=11)
    health.succeeded(TARGET, key, CHAT, began=9, now=12)
    assert health.blocked(TARGET, key, CHAT, 12) == "cooling"
    health.succeeded(TARGET, key, CHAT, began=11, now=13)
    assert health.blocked(TARGET, key, CHAT, 13) == ""


def test_a_call_of_before_does_not_have_a_key_taken_again(
    lines: pytest.LogCaptureFixture,
) -> None:
    health, key = Health(), Credential(b"key")
    for now in (11, 320):
        health.failed(TARGET, key, CHAT, failure("credential"), began=now, now=now)
        health.succeeded(TARGET, key, CHAT, began=now - 1, now=now + 1)
    assert health.rejected("one", key) == "credential"
    assert len(lines.records) == 1
    health.succeeded(TARGET, key, CHAT, began=321, now=322)
    assert lines.messages[1:] == ["provider one takes its key again"]


def test_rate_limits_and_callers_faults_never_open_a_breaker() -> None:
    health, key = Health(), Credential(b"key")
    for kind in ("rate_limit", "caller", "credential", "context_length"):
        for _ in range(30):
            health.failed(TARGET, key, CHAT, failure(kind), began=0, now=0)
    assert health.breaker(TARGET).allows(0)


class Late(FakeResponse):
    """A response that comes when it is let."""

    def __init__(self) -> None:
        super().__init__(*OK)
        self.go = asyncio.Event()

    async def read(self, wait: float) -> bytes:
        await self.go.wait()
        return await super().read(wait)


async def test_an_answer_to_a_call_of_before_a_rate_limit_does_not_lift_it() -> None:
    bench, late = Bench(two_targets()), Late()
    bench.client.script("one", late, FakeResponse(429, error(), headers=[(b"retry-after", b"60")]))
    bench.client.script("two", FakeResponse(*OK), FakeResponse(*OK))
    old = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    bench.clock.now += 1
    assert story(await bench.ask(ASK)) == "one/a=429, two/b=200"
    late.go.set()
    assert story(await old) == "one/a=200"
    assert story(await bench.ask(ASK)) == "one/a=cooling, two/b=200"


async def test_a_call_of_before_that_is_cancelled_leaves_the_probe_alone() -> None:
    bench, late, probe = Bench(two_targets(max_attempts=2)), Late(), Late()
    bench.client.script("one", late, *[FakeResponse(500, error()) for _ in range(5)], probe)
    bench.client.script("two", *[FakeResponse(*OK) for _ in range(6)])
    old = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    bench.clock.now += 1
    for _ in range(5):
        assert story(await bench.ask(ASK)) == "one/a=500, two/b=200"
    bench.clock.now += 31
    new = asyncio.create_task(bench.ask(ASK))
    await asyncio.sleep(0)
    old.cancel()
    await asyncio.gather(old, return_exceptions=True)
    assert story(await bench.ask(ASK)) == "one/a=open, two/b=200"
    probe.go.set()
    assert story(await new) == "one/a=200"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "modelops")
    return caplog


async def test_a_rejected_key_is_a_line_once_though_a_fallback_answers(
    lines: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(two_targets())
    words = error("Incorrect API key provided: key-of-provider/one")
    for _ in range(2):
        bench.client.script("one", FakeResponse(401, words))
        bench.client.script("two", FakeResponse(*OK), FakeResponse(*OK))
        assert (await bench.ask(ASK)).status == 200
        assert (await bench.ask(ASK)).status == 200
        bench.clock.now += 301
    (line,) = lines.records
    assert line.levelname == "WARNING"
    assert line.getMessage() == (
        "provider one does not take its key (credential, status 401) and is left alone for 300 s:"
        " Incorrect API key provided: [redacted]"
    )
    bench.client.script("one", FakeResponse(*OK), FakeResponse(*OK))
    for _ in range(2):
        assert (await bench.ask(ASK)).status == 200
    assert [line.getMessage() for line in lines.records[1:]] == ["provider one takes its key again"]


def test_a_rejected_key_is_told_of_until_it_works_or_is_another(
    lines: pytest.LogCaptureFixture,
) -> None:
    health, old, new = Health(), Credential(b"key"), Credential(b"new key")
    for kind in ("credential", "credential", "quota"):
        health.failed(TARGET, old, CHAT, failure(kind), began=0, now=0)
    assert len(lines.records) == 2, "that it is for another reason is news"
    assert (health.rejected("one", old), health.rejected("one", new)) == ("quota", "")
    health.succeeded(TARGET, new, CHAT, began=1_000, now=1_000)
    assert health.rejected("one", old) == ""
    assert lines.messages[2:] == ["provider one takes its key again"]


async def test_what_this_server_lacks_is_said_once_and_no_provider_is_blamed(
    lines: pytest.LogCaptureFixture,
) -> None:
    bench = Bench(two_targets(max_attempts=2))
    health = bench.gateway.services.health
    words = "this server cannot open a connection: Too many open files"
    for name in ("one", "two"):
        bench.client.script(name, *[LocalError(words)] * 6)
    for _ in range(6):
        reply = await bench.ask(ASK)
    assert (reply.status, reply.error()["code"]) == (503, "out_of_resources")
    assert f"one/a: local, {words}" in reply.error()["message"]
    assert story(reply) == "one/a=local, two/b=local"
    assert {(row.error_class, row.message, row.usage) for row in bench.rows} == {
        ("local", words, NOTHING_USED)
    }
    assert not list(health.open(bench.clock.now))
    assert [(line.levelname, line.getMessage()) for line in lines.records] == [
        ("ERROR", f"{words}; no provider is blamed")
    ]
    assert health.shortage(bench.clock.now) == words
    assert health.shortage(bench.clock.now + 60) == ""


def test_the_key_of_an_agent_is_told_apart(lines: pytest.LogCaptureFixture) -> None:
    own = resolved.Credential(provider="one", api_key="sealed")
    compiled = table(provider("one"), model("one/a"), agent("ci", credentials=(own,)))
    health, credential = Health(), compiled.agents["ci"].credentials["one"]
    health.failed(compiled.models["one/a"], credential, CHAT, failure("quota"), began=0, now=0)
    assert lines.messages[0].startswith("provider one does not take the key of agent ci (quota")
    assert health.rejected("one", credential) == "quota"
    assert health.rejected("one", compiled.providers["one"].credential) == ""


def test_a_breaker_that_opens_and_closes_is_two_lines(lines: pytest.LogCaptureFixture) -> None:
    health, key = Health(), Credential(b"key")
    for now in (0, 0, 0, 0, 0, 0, 31, 100):  # a probe that fails is no news
        health.failed(TARGET, key, CHAT, failure("transient"), began=now, now=now)
    for _ in range(2):
        health.succeeded(TARGET, key, CHAT, began=200, now=200)
    assert [(line.levelname, line.getMessage()) for line in lines.records] == [
        (
            "WARNING",
            "model one/a is open: it failed too often (transient) and is not called for 30 s",
        ),
        ("INFO", "model one/a is closed again"),
    ]
