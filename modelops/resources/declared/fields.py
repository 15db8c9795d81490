"""Types of fields that several kinds share, and the base of every Struct of the form."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from modelops.resources import patterns

Name = Annotated[
    str,
    Meta(pattern=patterns.NAME, description="Lower-case letters, digits and hyphens, at most 63."),
]
ModelName = Annotated[
    str, Meta(pattern=patterns.MODEL, description="The model's name, as the provider spells it.")
]
TargetName = Annotated[
    str,
    Meta(
        pattern=patterns.TARGET,
        description="A model as provider/model.",
        examples=["anthropic/claude-sonnet-4-5"],
    ),
]
Duration = Annotated[
    str,
    Meta(
        pattern=patterns.DURATION,
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
    str, Meta(pattern=patterns.SHA256, description="SHA-256 of the whole key, in hex.")
]
Expiry = Annotated[
    str,
    Meta(
        pattern=patterns.DATE,
        description="Last day on which the key works, as YYYY-MM-DD in the configuration's zone.",
        examples=["2027-06-30"],
    ),
]
DisplayName = Annotated[
    Annotated[str, Meta(min_length=1, max_length=120, pattern=patterns.LINE)] | None,
    Meta(description="What reports and screens call it. Default: its name."),
]
Labels = Annotated[
    dict[
        Annotated[str, Meta(pattern=patterns.LABEL)],
        Annotated[str, Meta(max_length=256, pattern=patterns.LINE)],
    ],
    Meta(description="Free key-value pairs; reports can group by them.", max_length=32),
]


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything that is written in YAML: unknown fields are errors."""


class SecretReference(Declared, frozen=True, kw_only=True):
    """Where the server finds a secret itself: exactly one of `env` and `file`."""

    env: Annotated[
        Annotated[str, Meta(pattern=patterns.ENV)] | None,
        Meta(
            description="An environment variable of the server.",
            examples=["MODELOPS_SECRET_OPENAI"],
        ),
    ] = None
    file: Annotated[
        Annotated[str, Meta(pattern=patterns.FILE)] | None,
        Meta(description="A file directly under the server's MODELOPS_SECRETS_DIR."),
    ] = None

    def __post_init__(self) -> None:
        if (self.env is None) == (self.file is None):
            raise ValueError("write exactly one of 'env' and 'file'")


SecretField = Annotated[
    Annotated[str, Meta(pattern=patterns.CIPHERTEXT)] | SecretReference | None,
    Meta(description="Encrypted with SOPS, or {env: MODELOPS_SECRET_NAME}, or {file: NAME}."),
]
