"""A provider, its models and their prices, as written in `providers.d/`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelops.resources import patterns
from modelops.resources.declared.fields import (
    Declared,
    DisplayName,
    Labels,
    ModelName,
    Name,
    SecretField,
    UsdPerMillion,
)
from modelops.resources.resolved import Capability, Day, ModelType, Protocol


class AuthHeader(Declared, frozen=True, kw_only=True):
    """A provider that takes its key in a header of its own."""

    header: Annotated[
        str,
        Meta(
            pattern=patterns.HEADER,
            description="The header's name; its value is the bare key.",
            examples=["api-key", "x-goog-api-key"],
        ),
    ]


class Tier(Declared, frozen=True, kw_only=True):
    """Prices of a whole request whose input is longer than a bound."""

    above_input_tokens: Annotated[int, Meta(ge=1, description="The tier holds above this input.")]
    input: UsdPerMillion
    output: UsdPerMillion
    cache_read: UsdPerMillion | None = None
    cache_write: UsdPerMillion | None = None
    cache_write_1h: UsdPerMillion | None = None
    reasoning_output: UsdPerMillion | None = None


Tiers = Annotated[
    tuple[Tier, ...], Meta(description="Dearer prices for longer requests, shortest first.")
]
TimeOfDay = Annotated[str, Meta(pattern=patterns.TIME_OF_DAY, examples=["16:30", "00:30"])]


class ServiceTier(Declared, frozen=True, kw_only=True):
    """Prices of a request that the provider says it served at this tier."""

    tier: Annotated[
        str,
        Meta(
            pattern=patterns.SERVICE_TIER,
            description="What the provider's answer calls it, where it is not the ordinary one.",
            examples=["flex", "priority", "batch"],
        ),
    ]
    input: UsdPerMillion
    output: UsdPerMillion
    cache_read: UsdPerMillion | None = None
    cache_write: UsdPerMillion | None = None
    cache_write_1h: UsdPerMillion | None = None
    reasoning_output: UsdPerMillion | None = None
    tiers: Tiers = ()


class Hours(Declared, frozen=True, kw_only=True):
    """Prices of requests that begin at these hours, in UTC."""

    from_: Annotated[TimeOfDay, Meta(description="First minute, UTC.")] = msgspec.field(name="from")
    to: Annotated[TimeOfDay, Meta(description="Minute after the last; may be the next day's.")]
    days: Annotated[
        tuple[Day, ...], Meta(description="On these days only, UTC. Default: every day.")
    ] = ()
    input: UsdPerMillion
    output: UsdPerMillion
    cache_read: UsdPerMillion | None = None
    cache_write: UsdPerMillion | None = None
    cache_write_1h: UsdPerMillion | None = None
    reasoning_output: UsdPerMillion | None = None
    tiers: Tiers = ()


class Price(Declared, frozen=True, kw_only=True):
    """What a model costs, in USD per million tokens."""

    input: UsdPerMillion
    output: Annotated[
        UsdPerMillion,
        Meta(description="USD per million output tokens. Only embedding models may leave it out."),
    ] = Decimal(0)
    cache_read: Annotated[
        UsdPerMillion | None, Meta(description="Input read from the cache; default: input.")
    ] = None
    cache_write: Annotated[
        UsdPerMillion | None, Meta(description="Input written to the cache; default: input.")
    ] = None
    cache_write_1h: Annotated[
        UsdPerMillion | None, Meta(description="Written for an hour; default: cache_write.")
    ] = None
    reasoning_output: Annotated[
        UsdPerMillion | None,
        Meta(description="All output of a call that reasoned; default: output."),
    ] = None
    tiers: Tiers = ()
    service_tiers: Annotated[
        tuple[ServiceTier, ...],
        Meta(description="Other prices by service tier; they win over hours."),
    ] = ()
    hours: Annotated[tuple[Hours, ...], Meta(description="Other prices by time of day.")] = ()


class Model(Declared, frozen=True, kw_only=True):
    """A model a provider offers. What the catalog knows need not be written."""

    model: ModelName
    upstream_model: Annotated[
        ModelName | None, Meta(description="What the provider calls it. Default: model.")
    ] = None
    type: Annotated[ModelType | None, Meta(description="What it does. Default: chat.")] = None
    context_window: Annotated[
        Annotated[int, Meta(ge=1, le=100_000_000)] | None,
        Meta(description="Most tokens of input and output together."),
    ] = None
    max_output_tokens: Annotated[
        Annotated[int, Meta(ge=1, le=100_000_000)] | None,
        Meta(description="Most tokens of output."),
    ] = None
    capabilities: Annotated[
        tuple[Capability, ...] | None, Meta(description="What requests to it may use.")
    ] = None
    price: Annotated[
        Price | None, Meta(description="USD per million tokens. Default: the catalog's.")
    ] = None
    default: Annotated[
        bool, Meta(description="The provider's model for tests and tools that name none.")
    ] = False
    protected: Annotated[bool, Meta(description="A plan that deletes it is refused.")] = False


class Provider(Declared, frozen=True, kw_only=True):
    """A provider of models: where it is, how it is spoken to, and with which key."""

    provider: Annotated[Name, Meta(examples=["anthropic"])]
    preset: Annotated[
        str | None,
        Meta(description="What is known of it by name. Default: its name, when that is a preset."),
    ] = None
    display_name: DisplayName = None
    protocol: Annotated[Protocol | None, Meta(description="What it speaks. Default: preset's.")] = (
        None
    )
    base_url: Annotated[
        Annotated[str, Meta(pattern=patterns.URL, max_length=500)] | None,
        Meta(description="Root of its API. https unless loopback or `insecure`."),
    ] = None
    auth: Annotated[
        Literal["bearer", "x-api-key", "none"] | AuthHeader | None,
        Meta(description="How the key is sent: bearer, x-api-key, {header: NAME} or none."),
    ] = None
    api_key: SecretField = None
    enabled: Annotated[bool, Meta(description="Chains step over a disabled provider.")] = True
    insecure: Annotated[bool, Meta(description="Allow a key over plain http.")] = False
    max_concurrent_requests: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(description="Most requests to it at once over all workers. Default: no limit."),
    ] = None
    labels: Labels = msgspec.field(default_factory=dict)
    models: tuple[Model, ...] = ()
    protected: Annotated[
        bool, Meta(description="Refuse deletion, and changes of base_url and auth.")
    ] = False
