"""Declared models to resolved ones: limits, capabilities and prices from the catalog."""

from __future__ import annotations

from functools import lru_cache
from typing import get_args

from modelops import catalog
from modelops.catalog.records import CatalogModel, Preset
from modelops.config import prices
from modelops.config.declaration import Entry
from modelops.config.resolve.fill import Fill
from modelops.config.resolve.providers import preset_of
from modelops.resources import declared, resolved
from modelops.resources.resolved import Capability, ModelType

_CAPABILITIES: tuple[Capability, ...] = get_args(Capability)


def resolve_models(
    entry: Entry[declared.Provider], provider: resolved.Provider
) -> list[resolved.Model]:
    """Return the models of a provider in the order in which they are written."""
    preset = preset_of(entry.value)
    data = entry.document.data
    written = data.get("models") if isinstance(data, dict) else None
    return [
        _model(model, provider, preset, raw)
        for model, raw in zip(entry.value.models, written or [], strict=True)
    ]


def _model(
    value: declared.Model, provider: resolved.Provider, preset: Preset | None, written: object
) -> resolved.Model:
    fill = Fill(written)
    upstream = fill.default("upstream_model", value.upstream_model, value.model)
    found = catalog.find(preset.name, upstream) if preset else None
    known = found or CatalogModel()
    fill.fixed("default", "protected")
    kind: ModelType | None = fill.first(
        "type", value.type, ("catalog", found.type if found else None)
    )
    return resolved.Model(
        provider=provider.provider,
        model=value.model,
        upstream_model=upstream,
        type=kind or "chat",
        context_window=fill.first(
            "context_window", value.context_window, ("catalog", known.context_window)
        ),
        max_output_tokens=fill.first(
            "max_output_tokens", value.max_output_tokens, ("catalog", known.max_output_tokens)
        ),
        capabilities=capabilities(
            fill.first("capabilities", value.capabilities, ("catalog", known.capabilities))
        ),
        price=_price(value.price, preset, known, fill),
        default=value.default,
        protected=value.protected,
        sources=fill.sources,
    )


def _price(
    written: declared.Price | None, preset: Preset | None, known: CatalogModel, fill: Fill
) -> resolved.Price | None:
    if written is not None:
        price, filled = prices.resolve(written)
        fill.sources.update(filled)
        if "output" not in (fill.written.get("price") or {}):
            fill.sources["price.output"] = "default"
        return price
    if preset is not None and preset.free:
        fill.sources["price"] = "preset"
        return prices.FREE
    if known.price is None:
        fill.sources["price"] = "default"
        return None
    price, filled = prices.resolve(known.price)
    fill.sources.update({"price": "catalog", **filled})
    return price


@lru_cache  # a few combinations, again and again
def capabilities(values: tuple[Capability, ...] | None) -> tuple[Capability, ...] | None:
    """Return capabilities in one order, each once: how they are listed means nothing."""
    return None if values is None else tuple(name for name in _CAPABILITIES if name in values)
