"""What a failed call to a provider means for the request: one policy per kind, in one table."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal[
    "connect",
    "timeout",
    "deadline",
    "local",
    "transient",
    "invalid_answer",
    "model_fault",
    "rate_limit",
    "credential",
    "quota",
    "model_gone",
    "context_length",
    "unsupported",
    "parameter",
    "foreign_state",
    "caller",
]
"""The error class of an attempt, as the books show it."""

Cooled = Literal["", "target", "credential", "model"]


class Policy(msgspec.Struct, frozen=True):
    """What follows from a kind of failure.

    `retry`: the same target may be called again. `failover`: the next target may be. `breaker`:
    it counts against the target's health. `cools`: what is left alone for a while. `fits`: only a
    target that can carry the request is worth trying. `addressed`: for the chain's first target,
    which the request was written for, it is the caller's fault.
    """

    retry: bool = False
    failover: bool = True
    breaker: bool = False
    cools: Cooled = ""
    fits: bool = False
    addressed: bool = False


POLICIES: dict[Kind, Policy] = {
    "connect": Policy(retry=True, breaker=True),
    "timeout": Policy(retry=True, breaker=True),
    "deadline": Policy(),
    "local": Policy(retry=True),
    "transient": Policy(retry=True, breaker=True),
    "invalid_answer": Policy(retry=True, breaker=True),
    "model_fault": Policy(),
    "rate_limit": Policy(retry=True, cools="target"),
    "credential": Policy(cools="credential"),
    "quota": Policy(cools="credential"),
    "model_gone": Policy(cools="model"),
    "context_length": Policy(fits=True),
    "unsupported": Policy(fits=True),
    "parameter": Policy(addressed=True),
    "foreign_state": Policy(),
    "caller": Policy(failover=False),
}

PASSED_ON: frozenset[Kind] = frozenset(
    {"caller", "context_length", "unsupported", "parameter", "foreign_state"}
)
"""Kinds that are the request's own fault: the provider's answer is what the caller should see."""

QUOTING: frozenset[Kind] = PASSED_ON | {"model_fault"}
"""Kinds whose message may quote the request or the answer, which the books never hold."""

_ABOUT_THE_REQUEST = frozenset({400, 413, 422})
"""Statuses whose message may quote the request, however its wording was classified."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One failed call. `status` 0: no response. `message` is redacted; `body` is without the key.

    `error_codes` are the codes, types and parameters the provider named, none of them free text.
    `label` is what the answer header shows. `retry_after` is in seconds, 0: no wait helps.
    `retryable` False: the provider asked not to be tried again with this request.
    `possibly_billed`: it had the request and may bill it, though there was no answer, or none of
    use.
    """

    kind: Kind
    status: int = 0
    code: str = ""
    message: str
    label: str
    retry_after: float | None = None
    retryable: bool = True
    possibly_billed: bool = False
    body: bytes = b""
    error_codes: str = ""

    @property
    def policy(self) -> Policy:
        """What follows from it."""
        return POLICIES[self.kind]

    @property
    def stored_message(self) -> str:
        """The message as the books keep it: without a word that may be the caller's own."""
        if self.kind in QUOTING or self.status in _ABOUT_THE_REQUEST:
            return self.error_codes or self.label
        return self.message
