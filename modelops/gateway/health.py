"""What the gateway has learned about targets: their breakers, and what is cooling until when.

It outlives the routing table. Cooling is kept by credential, so that a new key starts fresh. A call
that began before something was learned, say a long stream, does not refute it by ending well. What
goes wrong for more than one request, and when it works again, is a line in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal, NamedTuple

from modelops.gateway.breaker import Breaker
from modelops.gateway.credential import Credential
from modelops.gateway.failure import Cooled, Failure, Kind
from modelops.gateway.table import Target

LONG_SECONDS = 300.0
"""How long a credential that was rejected, or a model that is gone, is left alone."""

RATE_SECONDS = 10.0
"""How long after a rate limit that named no time."""

RATE_SECONDS_MAX = 3600.0

SHORTAGE_SECONDS = 60.0
"""For how long a connection that this server could not open is told of."""

Block = Literal["", "open", "cooling"]
_Key = tuple[Cooled, str, int, str]

logger = logging.getLogger(__name__)


class _Span(NamedTuple):
    """Since when something cools, and until when."""

    since: float
    until: float


_NEVER = _Span(0.0, 0.0)


class _Rejection(NamedTuple):
    """The credential that a provider does not take, why, and when it last said so."""

    identity: int
    kind: Kind
    at: float


class Health:
    """Breakers by target name, and the times until which things cool. Times are monotonic."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}
        self._cooling: dict[_Key, _Span] = {}
        self._rejected: dict[tuple[str, str], _Rejection] = {}  # by provider and agent
        self._shortage = ""
        self._shortage_ends = 0.0

    def breaker(self, target: Target) -> Breaker:
        """Return the breaker of a target."""
        breaker = self._breakers.get(target.name)
        if breaker is None:
            breaker = self._breakers[target.name] = Breaker()
        return breaker

    def blocked(self, target: Target, credential: Credential, endpoint: str, now: float) -> Block:
        """Return why a target should be stepped over just now, '' when it should not."""
        if self._cooling and self.cooling(target, credential, endpoint, now) > 0:
            return "cooling"
        breaker = self._breakers.get(target.name)
        return "" if breaker is None or breaker.allows(now) else "open"

    def cooling(self, target: Target, credential: Credential, endpoint: str, now: float) -> float:
        """Return the seconds for which a target still cools, 0 when it does not."""
        until = max(
            self._cooling.get(_key(cooled, target, credential, endpoint), _NEVER).until
            for cooled in ("target", "credential", "model")
        )
        return max(0.0, until - now)

    def open(self, now: float) -> Iterator[str]:
        """Yield the targets that failed too often to be called now, as provider/model."""
        return (name for name, breaker in self._breakers.items() if breaker.state(now) == "open")

    def rejected(self, provider: str, credential: Credential) -> Kind | Literal[""]:
        """Return for what a provider rejected a credential, '' once a call with it went well."""
        found = self._rejected.get((provider, credential.agent))
        return found.kind if found and found.identity == credential.identity else ""

    def rejections(self) -> Iterator[tuple[str, str]]:
        """Yield whose keys were rejected last: a provider's, and the agent's or '' for its own."""
        yield from self._rejected

    def shortage(self, now: float) -> str:
        """Return what kept this server from opening a connection lately, '' when nothing did."""
        return self._shortage if now < self._shortage_ends else ""

    def failed(
        self,
        target: Target,
        credential: Credential,
        endpoint: str,
        failure: Failure,
        *,
        began: float,
        now: float,
    ) -> None:
        """Learn from a failed call."""
        policy = failure.policy
        breaker = self.breaker(target)
        if policy.breaker:
            if breaker.failure(began, now):
                logger.warning(
                    "model %s is open: it failed too often (%s) and is not called for %.0f s",
                    target.name,
                    failure.kind,
                    breaker.opens_again(now),
                    extra={"target": target.name},
                )
        else:
            breaker.abandon(began)
        if policy.cools:
            key = _key(policy.cools, target, credential, endpoint)
            until = max(now + _seconds(failure), self._cooling.get(key, _NEVER).until)
            self._cooling = {old: span for old, span in self._cooling.items() if span.until > now}
            self._cooling[key] = _Span(now, until)
        if policy.cools == "credential":
            self._reject(target, credential, failure, now)
        if failure.kind == "local":
            self._note_shortage(failure.message, now)

    def _note_shortage(self, message: str, now: float) -> None:
        """Keep that this server could not open a connection, and say so when it begins."""
        if not self.shortage(now):
            logger.error("%s; no provider is blamed", message)
        self._shortage, self._shortage_ends = message, now + SHORTAGE_SECONDS

    def _reject(self, target: Target, credential: Credential, failure: Failure, now: float) -> None:
        """Keep that a provider does not take a credential, and say so the first time."""
        place = (target.provider.name, credential.agent)
        before = self._rejected.get(place)
        found = self._rejected[place] = _Rejection(credential.identity, failure.kind, now)
        if before is not None and before[:2] == found[:2]:
            return
        logger.warning(
            "provider %s does not take %s (%s, status %d) and is left alone for %.0f s: %s",
            target.provider.name,
            _named(credential),
            failure.kind,
            failure.status,
            _seconds(failure),
            failure.stored_message,
            extra={"target": target.name},
        )

    def succeeded(
        self, target: Target, credential: Credential, endpoint: str, *, began: float, now: float
    ) -> None:
        """Learn from a successful call: whatever was cooling when it began works again."""
        if self.breaker(target).success(began, now):
            logger.info("model %s is closed again", target.name, extra={"target": target.name})
        if self._cooling:
            for cooled in ("target", "credential", "model"):
                key = _key(cooled, target, credential, endpoint)
                if began >= self._cooling.get(key, _NEVER).since:
                    self._cooling.pop(key, None)
        if self._rejected:
            self._accept(target, credential, began)

    def _accept(self, target: Target, credential: Credential, began: float) -> None:
        """Note that a provider took a credential, and say so where it had not before."""
        place = (target.provider.name, credential.agent)
        rejection = self._rejected.get(place)
        if rejection is not None and began >= rejection.at:
            del self._rejected[place]
            logger.info("provider %s takes %s again", place[0], _named(credential))


def _named(credential: Credential) -> str:
    return f"the key of agent {credential.agent}" if credential.agent else "its key"


def _key(cooled: Cooled, target: Target, credential: Credential, endpoint: str) -> _Key:
    if cooled == "credential":
        return cooled, target.provider.name, credential.identity, ""
    if cooled == "target":
        return cooled, target.name, credential.identity, ""
    return "model", target.name, credential.identity, endpoint


def _seconds(failure: Failure) -> float:
    if failure.kind == "rate_limit":
        wait = RATE_SECONDS if failure.retry_after is None else failure.retry_after
        return min(wait, RATE_SECONDS_MAX)
    return max(LONG_SECONDS, failure.retry_after or 0.0)
