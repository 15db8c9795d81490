"""States to plan with: a builder per kind, and strategies of whole states."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import resource_samples as samples
from hypothesis import strategies as st
from resource_samples import price as price
from resource_samples import target as target

from modelops.plan.build import Base, Provenance
from modelops.resources.configuration import Configuration, Diagnostic, Position
from modelops.resources.resolved import (
    Agent,
    Chain,
    Credential,
    Key,
    Model,
    Operator,
    Price,
    Provider,
    Resource,
    Settings,
    Target,
    Tier,
)
from modelops.resources.state import State, by_address, digest, state_digest

PROVENANCE = Provenance(
    tool_version="0.1.0",
    catalog="2026-11-18",
    created_by="ada@laptop",
    created_at="2026-11-21T10:00:00Z",
    git_commit="9ac1e2f0" * 5,
    git_branch="main",
)


def settings(**fields: Any) -> Settings:
    return samples.settings(**({"default_chain": "production"} | fields))


def provider(name: str = "openai", **fields: Any) -> Provider:
    shown = {"display_name": name.title(), "api_key": "env:MODELOPS_SECRET_X"}
    return samples.provider(name, **(shown | fields))


def model(name: str = "openai/gpt-4o", **fields: Any) -> Model:
    known: dict[str, Any] = {
        "context_window": 128000,
        "max_output_tokens": 16384,
        "capabilities": ("tools",),
        "price": price(),
        "sources": {"upstream_model": "default", "type": "default", "price": "catalog"},
    }
    return samples.model(name, **(known | fields))


def chain(name: str = "production", *targets: str | Target, **fields: Any) -> Chain:
    shown: dict[str, Any] = {
        "display_name": name.title(),
        "sources": {"display_name": "default", "max_attempts": "default"},
    }
    return samples.chain(name, *targets, **(shown | fields))


def agent(name: str = "dev", **fields: Any) -> Agent:
    usual: dict[str, Any] = {
        "display_name": name.title(),
        "chain": "production",
        "allow": ("chain/production",),
    }
    return samples.agent(name, **(usual | fields))


def ordinary() -> dict[str, Resource]:
    """Return a small whole configuration: two providers, three models, two chains, two agents."""
    return by_address(
        [
            settings(),
            provider("openai"),
            provider("anthropic", protocol="anthropic"),
            model("openai/gpt-4o"),
            model("openai/gpt-4o-mini"),
            model("anthropic/claude"),
            chain("production", "anthropic/claude", "openai/gpt-4o"),
            chain("fast", "openai/gpt-4o-mini"),
            agent("dev"),
            agent("research", chain="fast", allow=("chain/fast", "model/openai/*")),
        ]
    )


def changed(state: State, *resources: Resource, without: Iterable[str] = ()) -> dict[str, Resource]:
    """Return the state with some resources put and some left out."""
    gone = set(without)
    return {
        address: item
        for address, item in {**state, **by_address(resources)}.items()
        if address not in gone
    }


def configuration(state: State, **fields: Any) -> Configuration:
    """Return a declaration of this state, each resource in a file of its own."""
    values: dict[str, Any] = {
        "config": "acme",
        "environment": "",
        "state": state,
        "positions": {address: Position(f"{address}.yaml", 2, 1) for address in state},
        "secrets": (),
        "moved": (),
        "removed": (),
        "config_digest": digest_of(state),
        "warnings": (),
    }
    return Configuration(**(values | fields))


def warning(message: str) -> Diagnostic:
    position = Position("chains.d/production.yaml", 5, 3)
    return Diagnostic(position=position, severity="warning", rule="worst-case", message=message)


def digest_of(state: State) -> str:
    return state_digest({address: digest(item) for address, item in state.items()})


def base(state: State, revision: int = 41) -> Base:
    return Base(state=state, digest=digest_of(state), store_id="store-1", revision=revision)


# Strategies: few names, so that states overlap; every field that a plan can show can differ.

_NAMES = st.sampled_from(["a", "b", "c"])
_MODELS = st.sampled_from(["m", "org/m.1", "x:free"])
_TEXT = st.text(max_size=8)
_SOURCE = st.sampled_from(["default", "preset", "catalog"])
_MONEY = st.decimals("0", "100", places=2).map(lambda amount: amount.normalize())
_FLAG = st.booleans()


def _sources(*paths: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(paths), _SOURCE, max_size=3)


_KEYS = st.lists(
    st.builds(
        Key, name=_NAMES, sha256=st.just("0" * 64), expires=st.sampled_from(["", "2027-01-01"])
    ),
    max_size=3,
).map(tuple)
_PRICES = st.builds(
    Price,
    input=_MONEY,
    output=_MONEY,
    cache_read=_MONEY,
    cache_write=_MONEY,
    cache_write_1h=_MONEY,
    tiers=st.lists(
        st.builds(
            Tier,
            above_input_tokens=st.integers(1, 3),
            input=_MONEY,
            output=_MONEY,
            cache_read=_MONEY,
            cache_write=_MONEY,
            cache_write_1h=_MONEY,
        ),
        max_size=2,
    ).map(tuple),
)
_TARGETS = st.lists(
    st.builds(
        Target,
        model=st.tuples(_NAMES, _MODELS).map("/".join),
        max_retries=st.integers(0, 10),
        timeout_ms=st.integers(1, 600) | st.just(60_000),
        answer_timeout_ms=st.just(300_000),
    ),
    min_size=1,
    max_size=4,
).map(tuple)

RESOURCES: st.SearchStrategy[Resource] = st.one_of(
    st.builds(
        settings,
        default_chain=_NAMES | st.just(""),
        operators=st.lists(
            st.builds(
                Operator, operator=_NAMES, role=st.sampled_from(["viewer", "deployer"]), keys=_KEYS
            ),
            max_size=2,
        ).map(tuple),
        sources=_sources("timezone", "default_chain"),
    ),
    st.builds(
        provider,
        _NAMES,
        display_name=_TEXT,
        enabled=_FLAG,
        protected=_FLAG,
        labels=st.dictionaries(_NAMES, _TEXT, max_size=2),
        sources=_sources("base_url", "display_name"),
    ),
    *(
        st.builds(
            model,
            st.tuples(_NAMES, _MODELS).map("/".join),
            context_window=st.none() | st.integers(1, 9),
            capabilities=st.none() | st.just(()) | st.just(("tools",)),
            price=prices,
            sources=_sources("price", "context_window", *of_price),
        )
        for prices, of_price in ((st.none(), ()), (_PRICES, ("price.cache_read",)))
    ),
    st.builds(
        lambda name, targets, **fields: chain(name, *targets, **fields),
        _NAMES,
        _TARGETS,
        aliases=st.lists(_NAMES, max_size=2).map(tuple),
        protected=_FLAG,
        sources=_sources("targets", "deadline_ms"),
    ),
    st.builds(
        agent,
        _NAMES,
        chain=_NAMES | st.just(""),
        allow=st.lists(
            st.sampled_from(["chain/a", "chain/*", "model/a/*", "model/*", "model/b/m"]), max_size=3
        ).map(tuple),
        keys=_KEYS,
        credentials=st.lists(
            st.builds(Credential, provider=_NAMES, api_key=st.just("sealed")), max_size=2
        ).map(tuple),
        prefer=_NAMES | st.just(""),
        sources=_sources("chain", "allow"),
    ),
)

STATES: st.SearchStrategy[State] = st.lists(RESOURCES, max_size=8).map(by_address)
