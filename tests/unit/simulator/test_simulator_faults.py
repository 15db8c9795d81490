"""Faults: how they are written, whom they meet, how often."""

from __future__ import annotations

from pathlib import Path

import pytest
from simulator_calls import chat, send, simulator, status

from modelops.resources.errors import ModelopsError
from modelops.simulator.faults import KINDS, Fault, Faults, named, parse

URL = "/openai/chat/completions"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("anthropic:status=529,times=2", Fault(provider="anthropic", status=529, times=2)),
        ("openai:hang", Fault(provider="openai", kind="hang")),
        ("*:delay,delay_ms=200", Fault(kind="delay", delay_ms=200)),
        (
            "openrouter/meta/llama:kind=cut,after_events=1",
            Fault(provider="openrouter", model="meta/llama", kind="cut", after_events=1),
        ),
    ],
)
def test_a_flag_is_read(text: str, fault: Fault) -> None:
    assert parse(text) == fault


@pytest.mark.parametrize(
    "text", ["", "openai", "openai:", "x:explode", "x:status=7", "x:times=-1", "x:colour=red"]
)
def test_a_flag_that_is_no_fault_is_refused_with_help(text: str) -> None:
    with pytest.raises(ModelopsError) as caught:
        parse(text)
    assert caught.value.hint


def test_a_fault_meets_its_provider_and_model_only() -> None:
    faults = Faults([Fault(provider="a", model="m")])
    assert faults.take("b", "m") is None
    assert faults.take("a", "n") is None
    assert faults.take("a", "m") is not None


def test_a_fault_happens_as_often_as_it_says_and_the_next_follows() -> None:
    faults = Faults([Fault(status=529, times=2), Fault(status=500)])
    taken = [faults.take("p", "m") for _ in range(4)]
    assert [fault.status for fault in taken if fault] == [529, 529, 500, 500]


def test_what_is_left_is_listed_and_cleared() -> None:
    faults = Faults([Fault(times=3)])
    faults.take("p", "m")
    assert faults.listed() == [Fault(times=2)]
    faults.clear()
    assert faults.listed() == []


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("sim-529", Fault(status=529)),
        ("sim-hang", Fault(kind="hang")),
        ("vendor/sim-malformed-chunk", Fault(kind="malformed_chunk")),
        ("sim-delay-500ms", Fault(kind="delay", delay_ms=500)),
        ("sim-999", None),
        ("sim-nothing", None),
        ("gpt-4o", None),
    ],
)
def test_a_model_name_asks_for_a_fault(model: str, fault: Fault | None) -> None:
    assert named(model) == fault


def test_every_kind_can_be_named() -> None:
    for kind in KINDS:
        found = named("sim-" + kind.replace("_", "-"))
        assert found is not None
        assert found.kind == kind


def test_a_simulator_answers_again_when_the_fault_is_used_up() -> None:
    sim = simulator()
    sim.faults.add(Fault(provider="openai", status=529, times=1))
    assert [status(send(sim, URL, chat())) for _ in range(2)] == [529, 200]
    assert status(send(sim, URL, chat(model="sim-503"))) == 503


def test_every_kind_is_described_where_users_read() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "simulator.md"
    rows = [line.split("`")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    assert rows == list(KINDS)
