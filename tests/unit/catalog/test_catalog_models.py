from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelops import catalog
from modelops.catalog import models
from modelops.catalog.records import CatalogModel, CatalogPrice, CatalogTier
from modelops.resources import patterns

ALL = pytest.mark.parametrize("preset", sorted(catalog.PRESETS))


def test_a_listed_id_is_found() -> None:
    model = catalog.find("anthropic", "claude-sonnet-4-5")
    assert model is not None
    assert model.context_window == 200_000
    assert model.max_output_tokens == 64_000
    assert model.price is not None
    assert model.price.input == Decimal(3)
    assert model.price.cache_write == Decimal("3.75")
    assert model.price.cache_write_1h == Decimal(6)


def test_openai_long_context_prices_begin_at_its_own_bound() -> None:
    model = catalog.find("openai", "gpt-5.6-sol")
    assert model is not None
    assert model.price is not None
    assert [tier.above_input_tokens for tier in model.price.tiers] == [272_000]


def test_embedding_models_are_marked_and_have_no_output_limit() -> None:
    model = catalog.find("openai", "text-embedding-3-small")
    assert model is not None
    assert model.type == "embedding"
    assert model.max_output_tokens is None


def test_an_unknown_name_is_never_taken_for_another() -> None:
    assert catalog.find("anthropic", "claude-sonnet-4") is None
    assert catalog.find("openai", "GPT-4o") is None
    assert catalog.find("openai", "claude-sonnet-4-5") is None
    assert catalog.find("no-such-preset", "gpt-4o") is None


def test_a_date_is_taken_off_only_where_all_listed_snapshots_are_alike() -> None:
    assert catalog.find("anthropic", "claude-opus-4-5-20260301") == catalog.find(
        "anthropic", "claude-opus-4-5"
    )
    assert catalog.find("openai", "gpt-4o-2024-05-13") is not None
    assert catalog.find("openai", "gpt-4o-2025-01-01") is None  # the listed ones differ
    assert catalog.find("openai", "o3-2025-04-16") is None  # none is listed


def test_nearest_names_are_of_the_preset_and_alike() -> None:
    assert catalog.nearest("anthropic", "claude-sonet-4-5")[0] == "claude-sonnet-4-5"
    assert len(catalog.nearest("openai", "gpt-4", n=2)) == 2
    assert catalog.nearest("vllm", "anything") == ()


@given(st.text(max_size=60))
def test_any_name_gets_an_answer(name: str) -> None:
    found = catalog.find("openai", name)
    assert found is None or catalog.nearest("openai", name, n=1)


@ALL
def test_every_preset_but_vllm_has_models(preset: str) -> None:
    assert bool(catalog.names(preset)) is (preset != "vllm")


@ALL
def test_ids_can_be_declared(preset: str) -> None:
    assert [name for name in catalog.names(preset) if not re.match(patterns.MODEL, name)] == []


def _rates(price: CatalogPrice) -> list[Decimal]:
    levels: list[CatalogPrice | CatalogTier] = [price, *price.tiers]
    return [
        rate
        for level in levels
        for rate in (level.input, level.output, level.cache_read, level.cache_write)
        if rate is not None
    ]


def _faults(model: CatalogModel) -> list[str]:
    found = []
    if model.price is not None:
        bounds = [tier.above_input_tokens for tier in model.price.tiers]
        if bounds != sorted(set(bounds)):
            found.append("tiers out of order")
        if any(not 0 <= rate < 1000 for rate in _rates(model.price)):
            found.append("a price out of bounds")
        if any(str(rate) != format(rate, "f") for rate in _rates(model.price)):
            found.append("a price that is not canonical")
    if model.capabilities is None or len(set(model.capabilities)) < len(model.capabilities):
        found.append("capabilities unknown or doubled")
    if model.context_window is not None and model.context_window < 1:
        found.append("an empty context window")
    return found


@ALL
def test_the_data_is_sane(preset: str) -> None:
    faults = {name: _faults(model) for name, model in catalog.known(preset).items()}
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize("preset", [p.name for p in catalog.PRESETS.values() if p.free])
def test_models_of_local_providers_cost_exactly_nothing(preset: str) -> None:
    prices = [model.price for model in catalog.known(preset).values()]
    assert all(price is not None and not any(_rates(price)) for price in prices)


def test_the_manifest_counts_what_is_packaged() -> None:
    manifest = catalog.manifest()
    assert manifest.models == {
        preset: len(catalog.names(preset)) for preset in catalog.PRESETS if catalog.names(preset)
    }
    assert manifest.version == catalog.VERSION
    assert manifest.sources


def test_the_digest_covers_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = catalog.digest()
    for path in models.DATA.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(models, "DATA", tmp_path)
    models.digest.cache_clear()
    assert catalog.digest() == whole
    (tmp_path / "groq.json").write_bytes(b"{}")
    models.digest.cache_clear()
    assert catalog.digest() != whole
    models.digest.cache_clear()
