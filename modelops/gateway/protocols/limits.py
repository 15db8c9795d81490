"""The caller's token limit at a fallback: no higher than what the model there can write.

The limit was chosen for the chain's first target. A provider answers 400 to one above its model's
maximum, which would end the chain; less than it allows is what the caller accepts anyway.
"""

from __future__ import annotations

import copy

import msgspec

from modelops.gateway.body import Body

_NAMES = ("max_tokens", "max_completion_tokens", "max_output_tokens")
_NUMBER = msgspec.json.Decoder(int)


def within(body: Body, most: int | None) -> Body:
    """Return the body with limits of at most `most` tokens: itself where they are."""
    if most is None:
        return body
    over = {name: raw for name in _NAMES if (raw := body.fields.get(name)) and _over(raw, most)}
    if not over:
        return body
    lower = copy.copy(body)
    lower.fields = body.fields | dict.fromkeys(over, msgspec.Raw(str(most).encode()))
    lower.conversation = None  # the translation reads it anew
    return lower


def _over(raw: msgspec.Raw, most: int) -> bool:
    try:
        return _NUMBER.decode(raw) > most
    except msgspec.DecodeError:
        return False  # the provider says what is wrong with it
