"""Names: four rules, nothing falls through, refusals say what may be called."""

from __future__ import annotations

import pytest
from gateway_doubles import agent, chain, model, provider, settings, table
from hypothesis import given
from hypothesis import strategies as st

from modelops.gateway.access import compile_access
from modelops.gateway.errors import GatewayError
from modelops.gateway.resolve import nearest, resolve
from modelops.gateway.table import RoutingTable, Target

TABLE = table(
    provider("openai"),
    provider("mistral"),
    provider("groq"),
    provider("router", aggregator=True),
    provider("off", enabled=False),
    model("openai/gpt-4o", upstream_model="gpt-4o-2024-11-20"),
    model("mistral/open-8b"),
    model("groq/open-8b"),
    model("router/gpt-4o"),
    model("router/openai/gpt-4o"),
    model("router/deep/seek"),
    model("off/ghost"),
    chain("production", "openai/gpt-4o", "router/gpt-4o", aliases=("prod", "claude-prod")),
    chain("fast", "groq/open-8b"),
    agent("app", chain="fast", allow=("chain/fast", "model/openai/*")),
    agent("fan", prefer="router"),
    settings("production"),
)


def names(model_name: str, agent_name: str = "", prefer: str = "") -> list[str]:
    found = resolve(TABLE, model_name, agent_name, prefer)
    return [step.target.name for step in found.steps]


def refusal(model_name: str, agent_name: str = "", prefer: str = "") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        resolve(TABLE, model_name, agent_name, prefer)
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("openai/gpt-4o", ["openai/gpt-4o"]),
        ("router/openai/gpt-4o", ["router/openai/gpt-4o"]),
        ("production", ["openai/gpt-4o", "router/gpt-4o"]),
        ("claude-prod", ["openai/gpt-4o", "router/gpt-4o"]),
        ("gpt-4o", ["openai/gpt-4o"]),
        ("gpt-4o-2024-11-20", ["openai/gpt-4o"]),
        ("deep/seek", ["router/deep/seek"]),
        ("", ["openai/gpt-4o", "router/gpt-4o"]),
        ("default", ["openai/gpt-4o", "router/gpt-4o"]),
    ],
)
def test_names(name: str, expected: list[str]) -> None:
    assert names(name) == expected


def test_an_agent_has_its_own_default_and_preference() -> None:
    assert names("", "app") == ["groq/open-8b"]
    assert names("gpt-4o", "fan") == ["router/gpt-4o"]
    assert names("production", "fan") == ["openai/gpt-4o", "router/gpt-4o"]


def test_a_preferred_provider_comes_first() -> None:
    assert names("production", prefer="router") == ["router/gpt-4o", "openai/gpt-4o"]
    assert names("production", prefer="groq") == ["openai/gpt-4o", "router/gpt-4o"]
    assert refusal("production", prefer="nobody").code == "unknown_provider"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("gpt-4", "openai/gpt-4o"),
        ("prodcution", "production"),
        ("openai/gpt-4", "openai/gpt-4o"),
        ("ghost", None),
        ("off/nothing", None),
        ("x" * 100_000, None),
    ],
)
def test_an_unknown_name_is_a_404_with_the_nearest(name: str, near: str | None) -> None:
    error = refusal(name)
    assert (error.status, error.code) == (404, "model_not_found")
    assert len(error.message) < 600
    assert near is None or near in error.message


def test_a_tie_is_a_400_that_lists_both() -> None:
    error = refusal("open-8b")
    assert (error.status, error.code) == (400, "ambiguous_model")
    assert "groq/open-8b, mistral/open-8b" in error.message


def test_what_an_agent_may_not_call_is_a_403_that_names_what_it_may() -> None:
    assert names("openai/gpt-4o", "app") == ["openai/gpt-4o"]
    for name in ("production", "prod", "router/gpt-4o"):
        error = refusal(name, "app")
        assert (error.status, error.code) == (403, "model_not_allowed")
        assert "chain/fast, model/openai/*" in error.message
    assert refusal("production", "stranger").status == 403


def test_without_any_default_the_request_must_name_a_model() -> None:
    bare: RoutingTable = table(provider("openai"), model("openai/gpt-4o"), settings())
    with pytest.raises(GatewayError, match="names no model"):
        resolve(bare, "")


def test_models_for_an_agent_are_what_it_may_call() -> None:
    assert TABLE.models_for("app") == ["fast", "openai/gpt-4o"]
    everything = TABLE.models_for("")
    assert everything[:2] == ["production", "fast"]
    assert "off/ghost" not in everything


@given(st.text(max_size=30), st.sampled_from(["", "app", "fan"]))
def test_a_name_gives_itself_or_a_refusal(name: str, caller: str) -> None:
    try:
        found = resolve(TABLE, name, caller)
    except GatewayError:
        return
    names = {part for step in found.steps for part in _names_of(step.target)}
    assert name in {"", "default", *TABLE.chain_names} or name in names


def _names_of(target: Target) -> tuple[str, str, str]:
    return target.name, target.model, target.upstream_model


def test_globs_match_whole_addresses_only() -> None:
    access = compile_access(["model/openai/gpt-*", "chain/fast"])
    assert access.model("openai/gpt-4o/x")
    assert not access.model("openai/o3")
    assert not access.model("x/openai/gpt-4o")
    assert not access.chain("fast2")
    assert access.chain("fast")


def test_nearest_is_bounded() -> None:
    assert nearest("gpt", (f"model-{item}" for item in range(100_000))) == []
