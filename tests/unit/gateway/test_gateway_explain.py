"""Explaining a choice: the same answer a request would meet."""

from __future__ import annotations

import pytest
from gateway_doubles import (
    ASK,
    Bench,
    FakeResponse,
    chain,
    completion,
    error,
    model,
    provider,
    settings,
    table,
    two_targets,
)

from modelops.gateway.errors import GatewayError
from modelops.gateway.explain import explain


def test_every_target_in_its_place_and_state() -> None:
    compiled = table(
        provider("one"), provider("off", enabled=False), provider("keyless", api_key=""),
        model("one/a", context_window=1000), model("one/e", type="embedding"), model("off/b"),
        model("keyless/c"), chain("mixed", "one/a", "one/e", "off/b", "keyless/c"), settings(),
    )  # fmt: skip
    told = explain(compiled, "mixed", input_tokens=2000)
    states = [(item.target, item.state) for item in told.targets]
    assert states == [
        ("one/a", "too-small"), ("one/e", "wrong-type"), ("off/b", "disabled"),
        ("keyless/c", "unusable"),
    ]  # fmt: skip
    assert told.chain == "mixed"
    assert "declare one" in told.targets[-1].reason
    embedding = explain(compiled, "one/e", endpoint="/v1/embeddings")
    assert [item.state for item in embedding.targets] == ["ready"]
    with pytest.raises(GatewayError, match="not known"):
        explain(compiled, "nothing")


async def test_what_the_gateway_has_learned_is_told() -> None:
    bench = Bench(two_targets())
    limited = FakeResponse(429, error(), headers=[(b"retry-after", b"7")])
    bench.client.script("one", limited)
    bench.client.script("two", FakeResponse(200, completion()))
    await bench.ask(ASK)
    told = explain(
        bench.gateway.table, "pair", health=bench.gateway.services.health, now=bench.clock.now
    )
    assert [(item.state, item.seconds) for item in told.targets] == [("cooling", 7), ("ready", 0)]


async def test_a_target_that_failed_too_often_is_open_until_its_probe() -> None:
    bench = Bench(two_targets(max_attempts=2))
    for _ in range(5):
        bench.client.script("one", FakeResponse(500, error()))
        bench.client.script("two", FakeResponse(200, completion()))
        await bench.ask(ASK)

    def told() -> list[tuple[str, float]]:
        health = bench.gateway.services.health
        found = explain(bench.gateway.table, "pair", health=health, now=bench.clock.now)
        return [(item.state, item.seconds) for item in found.targets]

    assert told() == [("open", 30), ("ready", 0)]
    bench.clock.now += 30
    assert told() == [("ready", 0), ("ready", 0)]
