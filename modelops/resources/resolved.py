"""Resolved resources: nothing left open. A revision is a set of these.

The server serves from them alone, without preset or catalog, so whatever it needs stands here.
`sources` names, by field path, every value that was not written in YAML: `default`, `preset` or
`catalog`; a path that is missing was declared. `None` is a fact that nobody knows (an unpriced
model, an unknown context window), never a value still to be filled in. Mappings are not to be
changed after they are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, get_args

import msgspec

from modelops.resources.addresses import address

Protocol = Literal["openai", "anthropic", "gemini", "ollama"]
ModelType = Literal["chat", "embedding"]
Capability = Literal["vision", "documents", "tools", "json", "reasoning", "prompt_cache"]
Role = Literal["viewer", "operator", "deployer"]
Metering = Literal["best_effort", "required"]
Source = Literal["default", "preset", "catalog"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
TokenLimitField = Literal["max_tokens", "max_completion_tokens"]
KeyTest = Literal["models", "key_endpoint", "balance", "one_token"]

DAYS: tuple[Day, ...] = get_args(Day)


class Resolved(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of what a revision holds."""


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """A person or job that reads reports, tests or applies."""

    operator: str
    role: Role
    keys: tuple[Key, ...]


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A caller's key: the SHA-256 of the whole key in hex, and its last day (YYYY-MM-DD) or ''."""

    name: str
    sha256: str
    expires: str


class Settings(Resolved, frozen=True, kw_only=True, tag="config"):
    """What holds for the whole configuration. Empty strings: none named.

    `metering` says what happens when the books take no row any more: requests are served on and
    their rows counted as lost, or refused.
    """

    config: str
    default_chain: str
    timezone: str
    server_recipients: tuple[str, ...]
    operators: tuple[Operator, ...]
    metering: Metering = "best_effort"
    sources: Mapping[str, Source] = {}

    @property
    def address(self) -> str:
        """The address this resource goes by."""
        return address("config", self.config)


class Provider(Resolved, frozen=True, kw_only=True, tag="provider"):
    """Where a provider is and how it is spoken to.

    `auth` is `bearer`, `none`, or the name of the header that carries the bare key (lower case).
    `api_key` says where the key is, never what it is: '' (none), `sealed`, `env:NAME` or
    `file:NAME`. `max_concurrent_requests` 0 means no limit. `base_url` has no trailing slash.
    `aggregator` marks a provider that resells others' models.
    """

    provider: str
    preset: str
    display_name: str
    protocol: Protocol
    base_url: str
    auth: str
    api_key: str
    enabled: bool
    insecure: bool
    max_concurrent_requests: int
    labels: Mapping[str, str]
    aggregator: bool
    token_limit_field: TokenLimitField
    key_test: KeyTest
    key_url: str
    docs_url: str
    protected: bool
    sources: Mapping[str, Source] = {}

    @property
    def address(self) -> str:
        """The address this resource goes by."""
        return address("provider", self.provider)


class Tier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of a whole request with more input than `above_input_tokens`; USD per million."""

    above_input_tokens: int
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    reasoning_output: Decimal | None = None


ORDINARY_TIERS = frozenset({"", "default", "standard", "on_demand", "auto", "unspecified"})
"""What providers call the service that their list prices are for: OpenAI and OpenRouter default,
Anthropic and Gemini standard, Groq on_demand; Gemini's unspecified is "Default service tier, which
is standard" (google-genai, types.ServiceTier)."""


class ServiceTier(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of a whole request that the provider says it served at this tier."""

    tier: str
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    reasoning_output: Decimal | None = None
    tiers: tuple[Tier, ...] = ()


class Hours(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prices of requests that begin from one time of day to before another, `HH:MM` in UTC.

    `to` below `from` is on the next day. `days` are those of the moment itself, in UTC; empty: all.
    """

    from_: str = msgspec.field(name="from")
    to: str
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    reasoning_output: Decimal | None = None
    tiers: tuple[Tier, ...] = ()
    days: tuple[Day, ...] = ()


class Price(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, cache_hash=True):
    """USD per million tokens, canonical Decimals (no trailing zeros); tiers by rising bound.

    `reasoning_output` is for all output of a call that reasoned; None: as other output.

    Optional fields are left out of stored content where they are not set, so that the digest of
    what does not use one stays what it was before the field was added.
    """

    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal
    cache_write_1h: Decimal
    reasoning_output: Decimal | None = None
    tiers: tuple[Tier, ...]
    service_tiers: tuple[ServiceTier, ...] = ()
    hours: tuple[Hours, ...] = ()


Rates = Price | Tier | ServiceTier | Hours
"""Whatever has a price for every part of a request."""


class Model(Resolved, frozen=True, kw_only=True, tag="model"):
    """A model of a provider. `price` None: unpriced, shown as such, never 0."""

    provider: str
    model: str
    upstream_model: str
    type: ModelType
    context_window: int | None
    max_output_tokens: int | None
    capabilities: tuple[Capability, ...] | None
    price: Price | None
    default: bool
    protected: bool
    sources: Mapping[str, Source] = {}

    @property
    def name(self) -> str:
        """The name chains and clients use: provider/model."""
        return f"{self.provider}/{self.model}"

    @property
    def address(self) -> str:
        """The address this resource goes by."""
        return address("model", self.provider, self.model)

    @property
    def price_source(self) -> Literal["declared", "catalog"]:
        """Where its price comes from, as the books show it."""
        return "catalog" if self.sources.get("price") == "catalog" else "declared"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One model in a chain, as provider/model."""

    model: str
    max_retries: int
    timeout_ms: int
    answer_timeout_ms: int


class Chain(Resolved, frozen=True, kw_only=True, tag="chain"):
    """Models in the order in which they are tried."""

    chain: str
    display_name: str
    aliases: tuple[str, ...]
    requires: tuple[Capability, ...]
    targets: tuple[Target, ...]
    deadline_ms: int
    max_duration_ms: int
    max_attempts: int
    protected: bool
    sources: Mapping[str, Source] = {}

    @property
    def address(self) -> str:
        """The address this resource goes by."""
        return address("chain", self.chain)


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Values for what a request leaves out; None: leave it out too."""

    max_tokens: int | None
    temperature: Decimal | None
    top_p: Decimal | None


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's own key for a provider; `api_key` as in Provider."""

    provider: str
    api_key: str


class Agent(Resolved, frozen=True, kw_only=True, tag="agent"):
    """A caller. `chain` and `prefer` '' when there is none."""

    agent: str
    display_name: str
    chain: str
    allow: tuple[str, ...]
    parameters: Parameters
    keys: tuple[Key, ...]
    credentials: tuple[Credential, ...]
    prefer: str
    labels: Mapping[str, str]
    protected: bool
    sources: Mapping[str, Source] = {}

    @property
    def address(self) -> str:
        """The address this resource goes by."""
        return address("agent", self.agent)


Resource = Settings | Provider | Model | Chain | Agent
