"""Declared and catalog prices to resolved ones: every part filled in, every Decimal canonical.

A declared price wins whole: parts that it leaves out follow from its own, never from the catalog's,
so that nobody pays for a mixture that no provider ever offered.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from modelops.catalog.records import CatalogPrice, CatalogRates, CatalogTier
from modelops.resources import declared
from modelops.resources.resolved import DAYS, Day, Hours, Price, ServiceTier, Source, Tier

MAX_PRICE = Decimal(1_000_000)
"""USD per million tokens: a dollar a token."""
MAX_DECIMALS = 12
"""The books count in pico-USD, 1e-12."""

ZERO = Decimal(0)
FREE = Price(
    input=ZERO, output=ZERO, cache_read=ZERO, cache_write=ZERO, cache_write_1h=ZERO, tiers=()
)

Declared = declared.Price | declared.Tier | declared.ServiceTier | declared.Hours

PARTS = CatalogRates.__struct_fields__


def canonical(value: Decimal) -> Decimal:
    """Return an equal Decimal without exponent and trailing zeros: 3, 3.0 and 3.00 are one.

    What could not be written out (NaN, 1E+999) stays as it is; no check lets it through.
    """
    if not value.is_finite() or abs(value.adjusted()) > 100:
        return value
    if not value:
        return ZERO
    text = f"{value:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)


def in_range(value: Decimal) -> bool:
    """Say whether a value can be a price."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -MAX_DECIMALS and 0 <= value <= MAX_PRICE


def resolve(
    price: declared.Price | CatalogPrice, prefix: str = "price"
) -> tuple[Price, dict[str, Source]]:
    """Return a whole price, and the paths of the parts that were filled in.

    What is left out costs what it replaces: cache reads and writes as input, a write for an hour as
    a write.
    """
    sources: dict[str, Source] = {}
    tiers = _tiers(price.tiers, prefix, sources)
    values = _filled(price, prefix, sources)
    service_tiers = tuple(
        ServiceTier(
            tier=each.tier,
            **_filled(each, f"{prefix}.service_tiers[{each.tier}]", sources),
            tiers=_tiers(each.tiers, f"{prefix}.service_tiers[{each.tier}]", sources),
        )
        for each in price.service_tiers
    )
    hours = tuple(
        Hours(
            from_=each.from_,
            to=each.to,
            days=_some(each.days),
            **_filled(each, f"{prefix}.hours[{each.from_}]", sources),
            tiers=_tiers(each.tiers, f"{prefix}.hours[{each.from_}]", sources),
        )
        for each in price.hours
    )
    return Price(**values, tiers=tiers, service_tiers=service_tiers, hours=hours), sources


def _some(days: Sequence[Day]) -> tuple[Day, ...]:
    """Return days in their order, each once; none where it is all of them."""
    named = tuple(day for day in DAYS if day in days)
    return () if named == DAYS else named


def _tiers(
    tiers: Sequence[declared.Tier | CatalogTier], prefix: str, sources: dict[str, Source]
) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            above_input_tokens=each.above_input_tokens,
            **_filled(each, f"{prefix}.tiers[{each.above_input_tokens}]", sources),
        )
        for each in tiers
    )


def _filled(
    price: Declared | CatalogRates, prefix: str, sources: dict[str, Source]
) -> dict[str, Any]:
    values: dict[str, Any] = {"input": canonical(price.input), "output": canonical(price.output)}
    for part, replaced in (
        ("cache_read", "input"),
        ("cache_write", "input"),
        ("cache_write_1h", "cache_write"),
    ):
        written = getattr(price, part, None)
        if written is None:
            sources[f"{prefix}.{part}"] = "default"
        values[part] = values[replaced] if written is None else canonical(written)
    if price.reasoning_output is not None:
        values["reasoning_output"] = canonical(price.reasoning_output)
    return values
