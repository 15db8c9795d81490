"""Who calls: agents, as written in `agents.d/`, and operators, as written in `modelops.yaml`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from modelops.resources import patterns
from modelops.resources.declared.fields import (
    Declared,
    DisplayName,
    Expiry,
    Labels,
    Name,
    SecretReference,
    Sha256,
)
from modelops.resources.resolved import Role


class Key(Declared, frozen=True, kw_only=True):
    """A key a caller shows. Several at once is how they rotate."""

    name: Name
    sha256: Sha256
    expires: Expiry | None = None


class Credential(Declared, frozen=True, kw_only=True):
    """A key of the agent's own for a provider, used instead of the provider's."""

    provider: Name
    api_key: Annotated[
        Annotated[str, Meta(pattern=patterns.CIPHERTEXT)] | SecretReference,
        Meta(description="The key: encrypted, or {env: ...} or {file: ...}."),
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
            Annotated[str, Meta(pattern=patterns.ALLOW)],
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
    labels: Labels = msgspec.field(default_factory=dict)
    protected: Annotated[bool, Meta(description="A plan that deletes it is refused.")] = False


class Operator(Declared, frozen=True, kw_only=True):
    """A person or job that reads reports, tests or applies."""

    operator: Name
    role: Annotated[
        Role, Meta(description="viewer reads, operator also tests, deployer also applies.")
    ]
    keys: tuple[Key, ...] = ()
