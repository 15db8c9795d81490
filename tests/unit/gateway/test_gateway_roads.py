"""Roads: worked out once per table, apart for each caller, never for a name that leads nowhere."""

from __future__ import annotations

import msgspec
import pytest
from gateway_doubles import agent, chain, model, provider, settings, table

from modelops.gateway import roads as roads_module
from modelops.gateway.body import Body
from modelops.gateway.candidates import Candidate, Skip
from modelops.gateway.errors import GatewayError
from modelops.gateway.roads import Road, Roads

TABLE = table(
    provider("openai"),
    provider("off", enabled=False),
    provider("mistral"),
    model("openai/gpt-4o"),
    model("off/ghost"),
    model("mistral/large"),
    chain("production", "openai/gpt-4o", "off/ghost", "mistral/large"),
    agent("app", chain="production", allow=("chain/production",)),
    settings("production"),
)


def find(roads: Roads, name: str, agent_name: str = "", prefer: str = "", **fields: str) -> Road:
    body = msgspec.json.encode({"model": name, "messages": [], **fields})
    return roads.find(Body("/v1/chat/completions", body), agent_name, prefer)


def order(road: Road) -> list[str]:
    return [turn.step.target.name for turn in road.turns]


def test_the_same_request_takes_the_same_road() -> None:
    roads = Roads(TABLE)
    assert find(roads, "production") is find(roads, "production")
    assert find(roads, "production", "app") is not find(roads, "production")
    assert order(find(roads, "production", prefer="mistral"))[0] == "mistral/large"
    assert order(find(roads, "production"))[0] == "openai/gpt-4o"


def test_a_road_that_names_state_is_another() -> None:
    roads = Roads(TABLE)
    assert len(find(roads, "production").turns) == 3
    assert order(find(roads, "production", previous_response_id="r")) == ["openai/gpt-4o"]


def test_each_candidate_knows_who_comes_behind_it() -> None:
    first, ghost, last = find(Roads(TABLE), "production").turns
    assert isinstance(first, Candidate)
    assert isinstance(ghost, Skip)
    assert isinstance(last, Candidate)
    assert [other.step.target.name for other in first.others] == ["mistral/large"]
    assert (first.reserve, last.reserve) == (last.step.timeout, 0.0)
    assert first.lines == b"x-modelops-target: openai/gpt-4o\r\n"
    assert last.lines == b"x-modelops-target: mistral/large\r\nx-modelops-fallback: true\r\n"


@pytest.mark.parametrize(
    ("name", "agent_name", "status"),
    [("nowhere", "", 404), ("openai/gpt-4o", "app", 403), ("production", "nobody", 403)],
)
def test_what_leads_nowhere_is_refused_each_time(name: str, agent_name: str, status: int) -> None:
    roads = Roads(TABLE)
    find(roads, "openai/gpt-4o")
    for _ in range(2):
        with pytest.raises(GatewayError) as caught:
            find(roads, name, agent_name)
        assert caught.value.status == status


def test_no_more_than_a_bound_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roads_module, "KNOWN_MAX", 1)
    roads = Roads(TABLE)
    assert find(roads, "production") is find(roads, "production")
    assert find(roads, "openai/gpt-4o") is not find(roads, "openai/gpt-4o")
    assert order(find(roads, "openai/gpt-4o")) == ["openai/gpt-4o"]
