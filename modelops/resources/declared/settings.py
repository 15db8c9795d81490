"""What holds for the whole configuration, as written in `modelops.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelops.resources import patterns
from modelops.resources.declared.callers import Operator
from modelops.resources.declared.fields import Declared, Name


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
    metering: Annotated[
        Literal["best_effort", "required"],
        Meta(
            description="When the books take no row any more: serve on and count what is lost, or"
            " answer 503."
        ),
    ] = "best_effort"
    server_recipients: Annotated[
        tuple[Annotated[str, Meta(pattern=patterns.RECIPIENT)], ...],
        Meta(description="Public keys of the servers that secrets are sealed to."),
    ] = ()
    operators: tuple[Operator, ...] = ()
    moved: tuple[Move, ...] = ()
    removed: Annotated[tuple[str, ...], Meta(description="Addresses whose deletion is meant.")] = ()
