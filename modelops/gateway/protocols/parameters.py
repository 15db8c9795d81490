"""What the resolved model takes of an agent's parameters, and of what a client asks for."""

from __future__ import annotations

import msgspec

from modelops.gateway.body import Body, Fields
from modelops.gateway.protocols.adapter import CannotCarryError
from modelops.gateway.protocols.conversation import Thinking
from modelops.gateway.protocols.models import samples
from modelops.gateway.table import Target
from modelops.resources.resolved import Parameters


def fill_in(
    fields: Fields,
    body: Body,
    parameters: Parameters | None,
    target: Target,
    *,
    limit_names: tuple[str, ...],
    limit_name: str,
) -> None:
    """Add an agent's values to the fields of a request.

    `limit_names` are the client's spellings of the token limit, `limit_name` the target's. Models
    that reason take no sampling values of others' choosing: OpenAI's answer 400 to them.
    """
    if parameters is None:
        return
    limit = parameters.max_tokens
    if limit is not None and all(body.absent(name) for name in limit_names):
        if target.max_output_tokens is not None:
            limit = min(limit, target.max_output_tokens)
        fields[limit_name] = number(limit)
    if parameters.temperature is parameters.top_p is None or not takes_sampling(target):
        return
    if parameters.temperature is not None and body.absent("temperature"):
        fields["temperature"] = number(parameters.temperature)
    if parameters.top_p is not None and body.absent("top_p"):
        fields["top_p"] = number(parameters.top_p)


def takes_sampling(target: Target) -> bool:
    """Whether a model takes sampling values of others' choosing, as far as is known."""
    reasons = target.capabilities is not None and "reasoning" in target.capabilities
    return not reasons and samples(target.upstream_model)


def reasoning_of(asked: Thinking | None, target: Target) -> Thinking | None:
    """Return what of it the model can do; CannotCarryError where it must reason, and cannot."""
    if asked is None or target.capabilities is None or "reasoning" in target.capabilities:
        return asked
    if asked.effort == "none" or asked.optional:
        return None
    raise CannotCarryError("reasoning: the model does none")


def number(value: object) -> msgspec.Raw:
    """Return an int or Decimal as a JSON number, digit for digit."""
    return msgspec.Raw(str(value).encode())
