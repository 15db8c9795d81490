"""The script that builds the packaged data, on a source small enough to read."""

from __future__ import annotations

import importlib.util
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from modelops import catalog
from modelops.catalog.records import CatalogModel, CatalogPrice

REPOSITORY = Path(__file__).parents[3]


def _script() -> Any:
    spec = importlib.util.spec_from_file_location(
        "refresh_catalog", REPOSITORY / "scripts" / "refresh_catalog.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def _entry(**changes: Any) -> dict[str, Any]:
    entry = {
        "tool_call": True,
        "reasoning": False,
        "structured_output": True,
        "modalities": {"input": ["text", "image"], "output": ["text"]},
        "limit": {"context": 128_000, "output": 16_384},
        "cost": {"input": 2.5, "output": 10, "cache_read": 0.12499999999999997},
    }
    return entry | changes


def _build(models: dict[str, Any], rules: dict[str, Any] | None = None) -> dict[str, CatalogModel]:
    built = SCRIPT.build({"openai": models}, {"openai": rules or {}})
    return dict(built.get("openai", {}))


def test_a_model_is_taken_over() -> None:
    model = _build({"m": _entry()})["m"]
    assert model.context_window == 128_000
    assert model.capabilities == ("vision", "tools", "json", "prompt_cache")
    assert model.price is not None
    assert model.price.input == Decimal("2.5")
    assert model.price.cache_write is None


def test_binary_noise_is_taken_off_prices() -> None:
    price = _build({"m": _entry()})["m"].price
    assert price is not None
    assert str(price.cache_read) == "0.125"
    assert str(price.output) == "10"


def test_what_does_not_answer_with_text_alone_is_left_out() -> None:
    image = _entry(modalities={"input": ["text"], "output": ["text", "image"]})
    speech = _entry(modalities={"input": ["audio"], "output": ["text"]})
    assert _build({"image": image, "speech": speech}) == {}


def test_zeros_and_nulls_mean_unknown() -> None:
    model = _build({"m": _entry(limit={"context": 0, "output": 0}, cost={})})["m"]
    assert model.context_window is None
    assert model.max_output_tokens is None
    assert model.price is None
    free_writes = _build({"m": _entry(cost={"input": 1, "output": 2, "cache_write": 0})})["m"]
    assert free_writes.price is not None
    assert free_writes.price.cache_write is None


def test_long_context_prices_become_a_tier_at_the_bound_the_overlay_names() -> None:
    cost = {"input": 5, "output": 30, "context_over_200k": {"input": 10, "output": 45}}
    (tier,) = (_build({"m": _entry(cost=cost)})["m"].price or pytest.fail("unpriced")).tiers
    assert tier.above_input_tokens == 200_000
    patched = _build({"m": _entry(cost=cost)}, {"tier_bound": 272_000})["m"].price
    assert patched is not None
    assert [tier.above_input_tokens for tier in patched.tiers] == [272_000]


def test_what_reasoning_costs_is_the_price_of_all_output_where_the_overlay_says_so() -> None:
    cost = {"input": 0.4, "output": 1.2, "reasoning": 4}
    same = {"input": 0.4, "output": 1.2, "reasoning": 1.2}
    models = {"m": _entry(cost=cost), "same": _entry(cost=same)}
    built, other = _build(models, {"reasoning_is_output": True}), _build(models)
    found = [each.price.reasoning_output for each in (*built.values(), other["m"]) if each.price]
    assert found == [Decimal(4), None, None]


def test_the_overlay_patches_adds_and_copies() -> None:
    rules = {
        "models": {"m": {"context_window": 1}, "new": {"type": "embedding"}},
        "snapshots": {"m-2026-01-01": "m"},
        "cache_write_1h_per_input": 2,
    }
    models = _build({"m": _entry()}, rules)
    assert models["m"].context_window == 1
    assert models["new"].type == "embedding"
    assert models["m-2026-01-01"] == models["m"]
    assert models["m"].price is not None
    assert models["m"].price.cache_write_1h == Decimal(5)


def test_service_tiers_are_so_many_times_the_price_of_those_that_have_them() -> None:
    cost = {"input": 2.5, "output": 10, "context_over_200k": {"input": 5, "output": 15}}
    rules = {"service_tiers": {name: {"times": "1.1", "not": ["old"]} for name in ("us", "eu")}}
    models = _build({"m": _entry(cost=cost), "old": _entry()}, rules)
    (served, _) = models["m"].price.service_tiers if models["m"].price else ()
    assert (served.tier, served.input, served.output) == ("us", Decimal("2.75"), Decimal(11))
    assert [tier.output for tier in served.tiers] == [Decimal("16.5")]
    assert models["old"].price is not None
    assert models["old"].price.service_tiers == ()


def test_the_packaged_data_was_built_with_this_overlay() -> None:
    overlay = yaml.safe_load((SCRIPT.DATA / "overlay.yaml").read_text("utf-8"))
    stale = [
        (preset, name)
        for preset in catalog.PRESETS
        for name, patch in overlay.get(preset, {}).get("models", {}).items()
        if not _holds(catalog.known(preset)[name], patch)
    ]
    assert stale == [], "run scripts/refresh_catalog.py"
    assert overlay["checked"] <= catalog.VERSION


def _holds(model: CatalogModel, patch: dict[str, Any]) -> bool:
    expected = SCRIPT.msgspec.convert(patch, CatalogModel)
    return all(
        _as_patched(getattr(model, field)) == _as_patched(getattr(expected, field))
        for field in patch
    )


def _as_patched(value: Any) -> Any:
    """Take off what rules add to prices and no patch holds."""
    if not isinstance(value, CatalogPrice):
        return value
    tiers = tuple(replace(tier, cache_write_1h=None) for tier in value.tiers)
    return replace(value, cache_write_1h=None, tiers=tiers, service_tiers=())
