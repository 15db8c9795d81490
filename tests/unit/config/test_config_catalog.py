"""What the catalog fills in, and what it has to say of what is declared."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from config_support import found, look, model, with_provider

from modelops import catalog
from modelops.catalog.records import (
    CatalogHours,
    CatalogModel,
    CatalogPrice,
    CatalogServiceTier,
    CatalogTier,
)
from modelops.resources import resolved as forms

KNOWN = CatalogModel(
    type="chat",
    context_window=1000,
    max_output_tokens=100,
    capabilities=("tools", "vision"),
    price=CatalogPrice(
        input=Decimal("3.0"),
        output=Decimal(15),
        cache_read=Decimal("0.30"),
        tiers=(CatalogTier(above_input_tokens=500, input=Decimal(6), output=Decimal(30)),),
    ),
    deprecated=True,
)

BY_HOUR_AND_TIER = CatalogModel(
    price=CatalogPrice(
        input=Decimal(3),
        output=Decimal(15),
        hours=(
            CatalogHours(
                from_="01:00",
                to="04:00",
                days=("mon", "tue"),
                input=Decimal(6),
                output=Decimal(30),
                cache_read=Decimal("0.60"),
            ),
        ),
        service_tiers=(
            CatalogServiceTier(
                tier="us",
                input=Decimal("3.30"),
                output=Decimal("16.50"),
                tiers=(CatalogTier(above_input_tokens=9, input=Decimal(5), output=Decimal(20)),),
            ),
        ),
    ),
)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the catalog know exactly two models of preset openai: `known` and `dear`."""
    models = {("openai", "known"): KNOWN, ("openai", "dear"): BY_HOUR_AND_TIER}

    def find(preset: str, model: str) -> CatalogModel | None:
        return models.get((preset, model))

    monkeypatch.setattr(catalog, "find", find)


@pytest.mark.usefixtures("known")
def test_the_catalog_fills_in_a_model(tmp_path: Path) -> None:
    content = (
        "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n"
        "models: [{model: mine, upstream_model: known, max_output_tokens: 50}]\n"
    )
    mine = model(with_provider(tmp_path, content), "openai/mine")
    assert (mine.upstream_model, mine.type) == ("known", "chat")
    assert (mine.context_window, mine.max_output_tokens) == (1000, 50)
    assert mine.capabilities == ("vision", "tools")
    assert mine.price == forms.Price(
        input=Decimal(3),
        output=Decimal(15),
        cache_read=Decimal("0.3"),
        cache_write=Decimal(3),
        cache_write_1h=Decimal(3),
        tiers=(
            forms.Tier(
                above_input_tokens=500,
                input=Decimal(6),
                output=Decimal(30),
                cache_read=Decimal(6),
                cache_write=Decimal(6),
                cache_write_1h=Decimal(6),
            ),
        ),
    )
    assert mine.sources == {
        "type": "catalog",
        "context_window": "catalog",
        "capabilities": "catalog",
        "price": "catalog",
        "price.cache_write": "default",
        "price.cache_write_1h": "default",
        "price.tiers[500].cache_read": "default",
        "price.tiers[500].cache_write": "default",
        "price.tiers[500].cache_write_1h": "default",
        "default": "default",
        "protected": "default",
    }


@pytest.mark.usefixtures("known")
def test_a_declared_price_wins_whole(tmp_path: Path) -> None:
    content = (
        "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n"
        "models: [{model: known, price: {input: 1.50, output: 2}}]\n"
    )
    price = model(with_provider(tmp_path, content), "openai/known").price
    assert price is not None
    assert (price.input, price.cache_read, price.tiers) == (Decimal("1.5"), Decimal("1.5"), ())


@pytest.mark.usefixtures("known")
def test_a_deprecated_model_is_a_warning(tmp_path: Path) -> None:
    content = "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\nmodels: [{model: known}]\n"
    assert found(tmp_path, {"providers.d/openai.yaml": content}) == [
        "deprecated-model providers.d/openai.yaml:3:18"
    ]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("price", "differences"),
    [
        ("{input: 2, output: 15, cache_read: 0.3}", "input 2, catalog 3; tiers none, catalog"),
        (
            (
                "{input: 3, output: 15, cache_read: 0.3,"
                ' hours: [{from: "01:00", to: "04:00", input: 6, output: 30}]}'
            ),
            "catalog above 500 6/30; hours 01:00 to 04:00 6/30, catalog none",
        ),
        (
            "{input: 3, output: 15, cache_read: 0.3, reasoning_output: 20}",
            "reasoning_output 20, catalog none; tiers none",
        ),
        ("{input: 3, output: 15}", "cache_read 3, catalog 0.3; tiers none, catalog above 500 6/30"),
        (
            (
                "{input: 3.00, output: 15, cache_read: 0.3,"
                " tiers: [{above_input_tokens: 500, input: 6, output: 30}]}"
            ),
            "",
        ),
    ],
)
def test_a_price_that_is_not_the_catalogs_is_a_warning_with_both_figures(
    tmp_path: Path, price: str, differences: str
) -> None:
    content = (
        "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n"
        f"models:\n  - model: known\n    price: {price}\n"
    )
    files = {"providers.d/openai.yaml": content}
    said = [each for each in look(tmp_path, files).diagnostics if each.rule == "price-differs"]
    assert [differences in each.message for each in said] == [True] * bool(differences)


US = "tier: us, input: 3.3, output: 16.5"
PEAK = 'from: "01:00", to: "04:00", input: 6, output: 30'
WHOLE = (
    f"hours: [{{{PEAK}, cache_read: 0.6, days: [tue, mon]}}]",
    (
        f"service_tiers: [{{tier: fast, input: 9, output: 9}},"
        f" {{{US}, tiers: [{{above_input_tokens: 9, input: 5, output: 20}}]}}]"
    ),
)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("parts", "difference"),
    [
        (WHOLE, ""),
        (WHOLE[:1], "service_tiers none, catalog us 3.3/16.5 (above 9 5/20)"),
        (
            (WHOLE[0], f"service_tiers: [{{{US}, reasoning_output: 3.3}}]"),
            "service_tiers us 3.3/16.5 reasoning_output 3.3, catalog us 3.3/16.5 (above 9 5/20)",
        ),
        (
            (f"hours: [{{{PEAK}, cache_read: 0.6}}]", WHOLE[1]),
            (
                "hours 01:00 to 04:00 6/30 cache_read 0.6,"
                " catalog 01:00 to 04:00 on mon/tue 6/30 cache_read 0.6"
            ),
        ),
        (
            (f"hours: [{{{PEAK}, days: [mon, tue]}}]", WHOLE[1]),
            (
                "hours 01:00 to 04:00 on mon/tue 6/30,"
                " catalog 01:00 to 04:00 on mon/tue 6/30 cache_read 0.6"
            ),
        ),
    ],
)
def test_what_differs_within_hours_and_service_tiers_is_shown(
    tmp_path: Path, parts: tuple[str, ...], difference: str
) -> None:
    content = (
        "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\nmodels:\n"
        f"  - {{model: dear, price: {{input: 3, output: 15, {', '.join(parts)}}}}}\n"
    )
    said = look(tmp_path, {"providers.d/openai.yaml": content}).diagnostics
    start = "the price of openai/dear is not the catalog's: "
    assert [each.message for each in said] == [start + difference] * bool(difference)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("figure", ["sNaN", "1e999999"])
def test_a_price_that_is_none_is_not_compared_with_the_catalogs(
    tmp_path: Path, figure: str
) -> None:
    content = (
        "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n"
        f'models: [{{model: known, price: {{input: "{figure}", output: 2}}}}]\n'
    )
    rules = [line.split()[0] for line in found(tmp_path, {"providers.d/openai.yaml": content})]
    assert rules == ["deprecated-model", "price-range"]


@pytest.mark.usefixtures("known")
def test_a_misspelt_target_that_the_catalog_knows_is_to_be_declared(tmp_path: Path) -> None:
    files = {
        "providers.d/openai.yaml": "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\n",
        "chains.d/main.yaml": "chain: main\ntargets: [{model: openai/known}]\n",
    }
    (diagnostic,) = look(tmp_path, files).diagnostics
    assert (
        diagnostic.hint == "the catalog knows it: add `- model: known` to providers.d/openai.yaml"
    )


@pytest.mark.usefixtures("known")
def test_what_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    content = "provider: openai\napi_key: {env: MODELOPS_SECRET_X}\nmodels: [{model: other}]\n"
    other = model(with_provider(tmp_path, content), "openai/other")
    assert (other.context_window, other.max_output_tokens, other.capabilities) == (None,) * 3
    assert other.price is None
    assert other.type == "chat"
