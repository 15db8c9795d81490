"""A failover chain, as written in `chains.d/`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modelops.resources import defaults
from modelops.resources.declared.fields import (
    Declared,
    DisplayName,
    Duration,
    ModelName,
    Name,
    TargetName,
)
from modelops.resources.resolved import Capability


class Target(Declared, frozen=True, kw_only=True):
    """One model in a chain."""

    model: TargetName
    max_retries: Annotated[
        int, Meta(ge=0, le=10, description="Calls after the first that this target gets.")
    ] = defaults.MAX_RETRIES
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
    ] = defaults.DEADLINE
    max_duration: Annotated[Duration, Meta(description="Longest a stream may flow.")] = (
        defaults.MAX_DURATION
    )
    max_attempts: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None,
        Meta(description="Most calls for one request. Default: targets + 3."),
    ] = None
    protected: Annotated[bool, Meta(description="A plan that deletes it is refused.")] = False
