"""The YAML form: what users write, field by field. The JSON Schemas in `schema/` come from here.

A field that may be left out is `None` here and gets its value in `config/resolve/`. Names, bounds
and fixed defaults are decided here; descriptions are what editors show.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelops.resources import durations
from modelops.resources.resolved import Capability, ModelType, Protocol, Role

END_OF_TEXT = r"(?!\n)"
"""Python's $ also matches before a last line break; that of JSON Schema does not."""
_END = "$" + END_OF_TEXT
NAME_PATTERN = r"^[a-z][a-z0-9-]{0,62}" + _END
MODEL_PATTERN = r"^[A-Za-z0-9._:@/+-]{1,200}" + _END
TARGET_PATTERN = r"^[a-z][a-z0-9-]{0,62}/[A-Za-z0-9._:@/+-]{1,200}" + _END
ALLOW_PATTERN = (
    r"^(chain/(\*|[a-z][a-z0-9-]{0,62})|model/[a-z*][a-z0-9*-]{0,62}/[A-Za-z0-9._:@/+*-]{1,200})"
    + _END
)
CIPHERTEXT_PATTERN = r"^ENC\[AES256_GCM,data:[^\s]*\]" + _END
DURATION_PATTERN = durations.PATTERN + END_OF_TEXT
SHA256_PATTERN = r"^[0-9a-f]{64}" + _END
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}" + _END
URL_PATTERN = r"^https?://[^\s?#@]+" + _END
HEADER_PATTERN = r"^[A-Za-z][A-Za-z0-9-]{0,62}" + _END
ENV_PATTERN = r"^MODELOPS_SECRET_[A-Z0-9_]{1,80}" + _END
FILE_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,120}" + _END
LABEL_PATTERN = r"^[a-z][a-z0-9_.-]{0,62}" + _END
RECIPIENT_PATTERN = r"^age1[a-z0-9]{20,2000}" + _END
LINE_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*" + _END

Name = Annotated[
    str,
    Meta(pattern=NAME_PATTERN, description="Lower-case letters, digits and hyphens, at most 63."),
]
ModelName = Annotated[
    str, Meta(pattern=MODEL_PATTERN, description="The model's name, as the provider spells it.")
]
TargetName = Annotated[
    str,
    Meta(
        pattern=TARGET_PATTERN,
        description="A model as provider/model.",
        examples=["anthropic/claude-sonnet-4-5"],
    ),
]
Duration = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        description="A whole number with a unit: ms, s, m or h.",
        examples=["30s", "10m"],
    ),
]
UsdPerMillion = Annotated[
    Decimal,
    Meta(
        description="USD per million tokens, exact.",
        examples=[3, 0.25],
        extra_json_schema={"minimum": 0, "maximum": 1_000_000},
    ),
]
Sha256 = Annotated[
    str, Meta(pattern=SHA256_PATTERN, description="SHA-256 of the whole key, in hex.")
]
Expiry = Annotated[
    str,
    Meta(
        pattern=DATE_PATTERN,
        description="Last day on which the key works, as YYYY-MM-DD in the configuration's zone.",
        examples=["2027-06-30"],
    ),
]
DisplayName = Annotated[
    Annotated[str, Meta(min_length=1, max_length=120, pattern=LINE_PATTERN)] | None,
    Meta(description="What reports and screens call it. Default: its name."),
]
Labels = Annotated[
    dict[
        Annotated[str, Meta(pattern=LABEL_PATTERN)],
        Annotated[str, Meta(max_length=256, pattern=LINE_PATTERN)],
    ],
    Meta(description="Free key-value pairs; reports can group by them.", max_length=32),
]


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that is written in YAML: unknown fields are errors."""


class SecretReference(Declared, frozen=True, kw_only=True):
    """Where the server finds a secret itself: exactly one of `env` and `file`."""

    env: Annotated[
        Annotated[str, Meta(pattern=ENV_PATTERN)] | None,
        Meta(
            description="An environment variable of the server.",
            examples=["MODELOPS_SECRET_OPENAI"],
        ),
    ] = None
    file: Annotated[
        Annotated[str, Meta(pattern=FILE_PATTERN)] | None,
        Meta(description="A file directly under the server's MODELOPS_SECRETS_DIR."),
    ] = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("write exactly one of 'env' and 'file'")


SecretField = Annotated[
    Annotated[str, Meta(pattern=CIPHERTEXT_PATTERN)] | SecretReference | None,
    Meta(description="Encrypted with SOPS, or {env: MODELOPS_SECRET_NAME}, or {file: NAME}."),
]


class AuthHeader(Declared, frozen=True, kw_only=True):
    """A provider that takes its key in a header of its own."""

    header: Annotated[
        str,
        Meta(
            pattern=HEADER_PATTERN,
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


class Price(Declared, frozen=True, kw_only=True):
    """What a model costs, in USD per million tokens."""

    input: UsdPerMillion
    output: Annotated[UsdPerMillion, Meta(description="USD per million output tokens.")] = Decimal(
        0
    )
    cache_read: Annotated[
        UsdPerMillion | None, Meta(description="Input read from the cache; default: input.")
    ] = None
    cache_write: Annotated[
        UsdPerMillion | None, Meta(description="Input written to the cache; default: input.")
    ] = None
    cache_write_1h: Annotated[
        UsdPerMillion | None, Meta(description="Written for an hour; default: cache_write.")
    ] = None
    tiers: Annotated[
        tuple[Tier, ...], Meta(description="Dearer prices for longer requests, shortest first.")
    ] = ()


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
        Annotated[str, Meta(pattern=URL_PATTERN, max_length=500)] | None,
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
    labels: Labels = {}
    models: tuple[Model, ...] = ()
    protected: Annotated[
        bool, Meta(description="Refuse deletion, and changes of base_url and auth.")
    ] = False


class Target(Declared, frozen=True, kw_only=True):
    """One model in a chain."""

    model: TargetName
    max_retries: Annotated[
        int, Meta(ge=0, le=10, description="Calls after the first that this target gets.")
    ] = 2
    timeout: Annotated[
        Duration | None,
        Meta(description="Wait for the first content. Default: 60s, 30s in a chain of several."),
    ] = None
    answer_timeout: Annotated[
        Duration | None,
        Meta(description="Wait for an answer that is not streamed. Default: the deadline."),
    ] = None


class Chain(Declared, frozen=True, kw_only=True):
    """Models in the order in which they are tried; clients use its name as `model`."""

    chain: Annotated[Name, Meta(examples=["production"])]
    display_name: DisplayName = None
    aliases: Annotated[
        tuple[ModelName, ...], Meta(description="Other names clients may use for it.")
    ] = ()
    requires: Annotated[
        tuple[Capability, ...], Meta(description="What every target must be able to do.")
    ] = ()
    targets: Annotated[tuple[Target, ...], Meta(min_length=1, max_length=32)]
    deadline: Annotated[
        Duration, Meta(description="For the whole request, to the first content of a stream.")
    ] = "300s"
    max_duration: Annotated[Duration, Meta(description="Longest a stream may flow.")] = "30m"
    max_attempts: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(description="Most calls for one request. Default: targets + 3."),
    ] = None
    protected: Annotated[bool, Meta(description="A plan that deletes it is refused.")] = False


class Key(Declared, frozen=True, kw_only=True):
    """A key a caller shows. Several at once is how they rotate."""

    name: Name
    sha256: Sha256
    expires: Expiry | None = None


class Credential(Declared, frozen=True, kw_only=True):
    """A key of the agent's own for a provider, used instead of the provider's."""

    provider: Name
    api_key: Annotated[
        Annotated[str, Meta(pattern=CIPHERTEXT_PATTERN)] | SecretReference,
        Meta(description="As for a provider."),
    ]


class Parameters(Declared, frozen=True, kw_only=True):
    """Values for what a request leaves out, sent to models that take them."""

    max_tokens: Annotated[
        Annotated[int, Meta(ge=1, le=100_000_000)] | None,
        Meta(description="Most tokens of output."),
    ] = None
    temperature: Annotated[
        Annotated[Decimal, Meta(extra_json_schema={"minimum": 0, "maximum": 2})] | None,
        Meta(description="0 to 2.", examples=[0.2]),
    ] = None
    top_p: Annotated[
        Annotated[Decimal, Meta(extra_json_schema={"minimum": 0, "maximum": 1})] | None,
        Meta(description="0 to 1."),
    ] = None


class Agent(Declared, frozen=True, kw_only=True):
    """A caller: an app, a team, a CI job."""

    agent: Annotated[Name, Meta(examples=["research-agent"])]
    display_name: DisplayName = None
    chain: Annotated[
        Name | None, Meta(description="Used when a request names no model. Default: default_chain.")
    ] = None
    allow: Annotated[
        tuple[
            Annotated[str, Meta(pattern=ALLOW_PATTERN)],
            ...,
        ]
        | None,
        Meta(
            description="What it may call; * stands for any name. Default: its chain.",
            examples=[["chain/production", "model/openai/*"]],
        ),
    ] = None
    parameters: Parameters = Parameters()
    keys: tuple[Key, ...] = ()
    credentials: tuple[Credential, ...] = ()
    prefer: Annotated[
        Name | None, Meta(description="The provider to take bare model names from first.")
    ] = None
    labels: Labels = {}
    protected: Annotated[bool, Meta(description="A plan that deletes it is refused.")] = False


class Operator(Declared, frozen=True, kw_only=True):
    """A person or job that reads reports, tests or applies."""

    operator: Name
    role: Annotated[
        Role, Meta(description="viewer reads, operator also tests, deployer also applies.")
    ]
    keys: tuple[Key, ...] = ()


class Move(Declared, frozen=True, kw_only=True):
    """A resource that goes by another address now."""

    from_: Annotated[str, Meta(description="The address until now.", examples=["chain/prod"])] = (
        msgspec.field(name="from")
    )
    to: Annotated[str, Meta(description="Its address now.", examples=["chain/production"])]


class Settings(Declared, frozen=True, kw_only=True):
    """modelops.yaml: what holds for the whole configuration."""

    config: Annotated[Name, Meta(examples=["acme-llm"])]
    form: Annotated[Literal[1], Meta(description="Version of this YAML form.")] = 1
    default_chain: Annotated[
        Name | None, Meta(description="Used when neither request nor agent names one.")
    ] = None
    timezone: Annotated[
        str, Meta(description="What today, week and month mean.", examples=["Europe/Berlin"])
    ] = "UTC"
    server_recipients: Annotated[
        tuple[Annotated[str, Meta(pattern=RECIPIENT_PATTERN)], ...],
        Meta(description="Public keys of the servers that secrets are sealed to."),
    ] = ()
    operators: tuple[Operator, ...] = ()
    moved: tuple[Move, ...] = ()
    removed: Annotated[tuple[str, ...], Meta(description="Addresses whose deletion is meant.")] = ()
