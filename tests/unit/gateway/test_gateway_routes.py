"""Routes: planned once per table, apart for each caller, never for a name that leads nowhere."""

from __future__ import annotations

import msgspec
import pytest
from gateway_doubles import agent, chain, model, provider, settings, table

from modelops.gateway import routes as routes_module
from modelops.gateway.body import Body
from modelops.gateway.candidates import Candidate, Skip
from modelops.gateway.errors import GatewayError
from modelops.gateway.routes import Route, RouteCache

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


def find(
    routes: RouteCache, name: str, agent_name: str = "", prefer: str = "", **fields: str
) -> Route:
    body = msgspec.json.encode({"model": name, "messages": [], **fields})
    return routes.find(Body("/v1/chat/completions", body), agent_name, prefer)


def order(route: Route) -> list[str]:
    return [planned.step.target.name for planned in route.targets]


def test_the_same_request_takes_the_same_route() -> None:
    routes = RouteCache(TABLE)
    assert find(routes, "production") is find(routes, "production")
    assert find(routes, "production", "app") is not find(routes, "production")
    assert order(find(routes, "production", prefer="mistral"))[0] == "mistral/large"
    assert order(find(routes, "production"))[0] == "openai/gpt-4o"


def test_a_route_that_names_state_is_another() -> None:
    routes = RouteCache(TABLE)
    assert len(find(routes, "production").targets) == 3
    bound = find(routes, "production", previous_response_id="r")
    assert order(bound) == order(find(routes, "production"))
    assert [type(planned) for planned in bound.targets] == [Candidate, Skip, Skip]
    assert isinstance(elsewhere := bound.targets[2], Skip)
    assert elsewhere.reason == "what the request names is kept by openai"


def test_each_candidate_knows_who_comes_behind_it() -> None:
    first, ghost, last = find(RouteCache(TABLE), "production").targets
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
    routes = RouteCache(TABLE)
    find(routes, "openai/gpt-4o")
    for _ in range(2):
        with pytest.raises(GatewayError) as caught:
            find(routes, name, agent_name)
        assert caught.value.status == status


def test_no_more_than_a_bound_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes_module, "CACHED_MAX", 1)
    routes = RouteCache(TABLE)
    assert find(routes, "production") is find(routes, "production")
    assert find(routes, "openai/gpt-4o") is not find(routes, "openai/gpt-4o")
    assert order(find(routes, "openai/gpt-4o")) == ["openai/gpt-4o"]
