"""What the catalog says of a provider (a preset) and of a model.

A preset's key is its name in `PRESETS`; a model is looked up by preset and the provider's own
model id. `None` means the catalog does not know.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from modelops.resources.resolved import (
    Capability,
    Day,
    KeyTest,
    ModelType,
    Protocol,
    TokenLimitField,
)


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a provider by name.

    `base_url` '' means there is none to assume (azure has one per resource): it must be declared.
    `auth` is written as in resolved.Provider. `aggregator` marks resellers of others' models.
    `free` marks local providers, whose models cost exactly 0.
    """

    name: str
    display_name: str
    protocol: Protocol
    base_url: str
    auth: str
    aggregator: bool = False
    free: bool = False
    token_limit_field: TokenLimitField = "max_tokens"  # noqa: S105  # the name of a request field
    key_test: KeyTest = "models"
    key_url: str = ""
    docs_url: str = ""


class CatalogRates(msgspec.Struct, frozen=True, kw_only=True):
    """What tokens cost, in USD per million."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    cache_write: Decimal | None = None
    cache_write_1h: Decimal | None = None
    reasoning_output: Decimal | None = None


class CatalogTier(CatalogRates, frozen=True, kw_only=True):
    """Prices of a whole request with more input than a bound."""

    above_input_tokens: int


class CatalogServiceTier(CatalogRates, frozen=True, kw_only=True):
    """Prices of a request that the provider says it served at this tier."""

    tier: str
    tiers: tuple[CatalogTier, ...] = ()


class CatalogHours(CatalogRates, frozen=True, kw_only=True):
    """Prices of requests that begin at these hours, in UTC; no days: every day."""

    from_: str = msgspec.field(name="from")
    to: str
    days: tuple[Day, ...] = ()
    tiers: tuple[CatalogTier, ...] = ()


class CatalogPrice(CatalogRates, frozen=True, kw_only=True):
    """What a model costs."""

    tiers: tuple[CatalogTier, ...] = ()
    service_tiers: tuple[CatalogServiceTier, ...] = ()
    hours: tuple[CatalogHours, ...] = ()


class CatalogModel(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalog knows of one model at one provider."""

    type: ModelType = "chat"
    context_window: int | None = None
    max_output_tokens: int | None = None
    capabilities: tuple[Capability, ...] | None = None
    price: CatalogPrice | None = None
    deprecated: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the packaged data is made of: its version (a date), sources, and models per preset."""

    version: str
    sources: tuple[str, ...]
    models: dict[str, int]
