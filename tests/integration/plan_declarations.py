"""Configuration folders made by hypothesis: valid, and any optional field may be left out.

A declaration is a mapping of file names to plain values. It is written as JSON, which is YAML too.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

Declared = dict[str, Any]
Folder = dict[str, Declared]

PROVIDERS: dict[str, Declared] = {
    "openai": {"api_key": {"env": "MODELOPS_SECRET_OPENAI"}},
    "anthropic": {"api_key": {"file": "anthropic"}},
    "ollama": {},
    "relay": {
        "protocol": "openai",
        "base_url": "https://relay.example/v1",
        "auth": {"header": "X-Key"},
    },
}
MODELS = ("gpt-4o", "org/some-model:free", "yes", "1e3", "0x1F", "null")
DISPLAY = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20
)
MONEY = st.decimals("0", "99", places=3)
TIMEOUTS = st.sampled_from(["1s", "1500ms", "30s", "10m"])
CAPABILITIES = st.lists(
    st.sampled_from(["vision", "documents", "tools", "json", "reasoning", "prompt_cache"]),
    unique=True,
)
LABELS = st.dictionaries(
    st.sampled_from(["team", "cost.center"]), st.text("ab 1:#'\"\\-", max_size=8)
)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Declared]:
    """Return mappings in which any of the fields may be missing."""
    return st.fixed_dictionaries({}, optional=fields)


def price() -> st.SearchStrategy[Declared]:
    return st.tuples(st.booleans(), st.booleans()).flatmap(lambda has: _price(*has))


def _price(tiered: bool, reasoned: bool) -> st.SearchStrategy[Declared]:
    """Return prices; where one has tiers by length or a rate for reasoning, all of it have."""
    rest = dict.fromkeys(("cache_read", "cache_write", "cache_write_1h"), MONEY)
    always = ("input", "output", "reasoning_output") if reasoned else ("input", "output")
    rates: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(always, MONEY)
    tier = st.fixed_dictionaries(rates, optional=rest)
    tiers = st.lists(tier, min_size=int(tiered), max_size=2).map(
        lambda found: [{"above_input_tokens": 1000 * (n + 1), **one} for n, one in enumerate(found)]
    )
    if tiered:
        rates = rates | {"tiers": tiers}
    served = [
        st.fixed_dictionaries({"tier": st.just(name), **rates}, optional=rest)
        for name in ("flex", "priority")
    ]
    days = st.lists(st.sampled_from(["mon", "tue", "sun"]))
    night = st.fixed_dictionaries(
        {"from": st.just("22:30"), "to": st.just("06:00"), **rates},
        optional={**rest, "days": days},
    )
    return st.fixed_dictionaries(
        rates,
        optional={
            **rest,
            "service_tiers": st.tuples(*served).map(list),
            "hours": st.lists(night, max_size=1),
        },
    )


@st.composite
def _provider(draw: st.DrawFn, name: str) -> Declared:
    fields = optional(
        display_name=DISPLAY,
        enabled=st.just(True),
        max_concurrent_requests=st.integers(1, 64),
        labels=LABELS,
        protected=st.booleans(),
    )
    models = draw(st.lists(st.sampled_from(MODELS), min_size=1, unique=True))
    details = optional(
        upstream_model=st.sampled_from(MODELS),
        type=st.just("chat"),
        context_window=st.integers(1, 1_000_000),
        max_output_tokens=st.integers(1, 64_000),
        capabilities=CAPABILITIES,
        price=price(),
        protected=st.booleans(),
    )
    listed = [{"model": model, **draw(details)} for model in models]
    return {"provider": name, **PROVIDERS[name], **draw(fields), "models": listed}


@st.composite
def _chain(draw: st.DrawFn, name: str, references: list[str]) -> Declared:
    chosen = draw(st.lists(st.sampled_from(references), min_size=1, max_size=4, unique=True))
    details = optional(
        max_retries=st.integers(0, 10), timeout=TIMEOUTS, answer_timeout=st.sampled_from(["2m"])
    )
    fields = optional(
        display_name=DISPLAY,
        deadline=st.sampled_from(["10m", "600s"]),
        max_duration=st.sampled_from(["1h"]),
        max_attempts=st.integers(4, 9),
        protected=st.booleans(),
    )
    targets = [{"model": reference, **draw(details)} for reference in chosen]
    return {"chain": name, **draw(fields), "targets": targets}


@st.composite
def _agent(draw: st.DrawFn, name: str, chains: list[str], providers: list[str]) -> Declared:
    allowed = [*(f"chain/{chain}" for chain in chains), *(f"model/{one}/*" for one in providers)]
    key = st.fixed_dictionaries(
        {"name": st.just("k1"), "sha256": st.just(hashlib.sha256(name.encode()).hexdigest())},
        optional={"expires": st.just("2099-01-01")},
    )
    fields = optional(
        display_name=DISPLAY,
        chain=st.sampled_from(chains),
        allow=st.lists(st.sampled_from(allowed), min_size=1, unique=True),
        parameters=optional(
            max_tokens=st.integers(1, 10), temperature=st.decimals("0", "2", places=2)
        ),
        keys=st.lists(key, max_size=1),
        prefer=st.sampled_from(providers),
        labels=LABELS,
        protected=st.booleans(),
    )
    return {"agent": name, **draw(fields)}


@st.composite
def folders(draw: st.DrawFn) -> Folder:
    """Return whole configurations of one name."""
    names = draw(st.lists(st.sampled_from(sorted(PROVIDERS)), min_size=1, unique=True))
    providers = {name: draw(_provider(name)) for name in names}
    references = [
        f"{name}/{model['model']}" for name in names for model in providers[name]["models"]
    ]
    chains = draw(
        st.lists(st.sampled_from(["fast", "production", "null"]), min_size=1, unique=True)
    )
    settings = optional(
        default_chain=st.sampled_from(chains), timezone=st.sampled_from(["Europe/Berlin", "UTC"])
    )
    agents = draw(st.lists(st.sampled_from(["dev", "writer"]), unique=True))
    return {
        "modelops.yaml": {"config": "made", **draw(settings)},
        **{f"providers.d/{name}.yaml": providers[name] for name in names},
        **{f"chains.d/{name}.yaml": draw(_chain(name, references)) for name in chains},
        **{f"agents.d/{name}.yaml": draw(_agent(name, chains, names)) for name in agents},
    }


def write(folder: Path, files: Folder) -> Path:
    """Write a configuration and return its folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_yaml(content) + "\n", encoding="utf-8")
    return folder


def _yaml(value: Any) -> str:
    """Return JSON, with decimals as the plain numbers that they are."""
    if isinstance(value, dict):
        pairs = (f"{json.dumps(name)}: {_yaml(item)}" for name, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False)
