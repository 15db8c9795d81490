"""What the gateway has learned about targets: their breakers, and what is cooling until when.

It outlives the routing table. Cooling is kept by credential, so that a new key starts fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modelops.gateway.breaker import Breaker
from modelops.gateway.credential import Credential
from modelops.gateway.failure import Cooled, Failure, Kind
from modelops.gateway.table import Provider, Target

LONG_SECONDS = 300.0
"""How long a credential that was rejected, or a model that is gone, is left alone."""

RATE_SECONDS = 10.0
"""How long after a rate limit that named no time."""

RATE_SECONDS_MAX = 3600.0

Block = Literal["", "open", "cooling"]
_Key = tuple[Cooled, str, int, str]
_End = tuple[float, Kind | Literal[""]]
"""Until when something cools, and after which kind of failure."""

_NEVER: _End = (0.0, "")


class Health:
    """Breakers by target name, and the times until which things cool. Times are monotonic."""

    def __init__(self) -> None:
        self._breakers: dict[str, Breaker] = {}
        self._cooling: dict[_Key, _End] = {}

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
        until, _ = max(
            self._cooling.get(_key(cooled, target, credential, endpoint), _NEVER)
            for cooled in ("target", "credential", "model")
        )
        return max(0.0, until - now)

    def open(self, now: float) -> Iterator[str]:
        """Yield the targets that failed too often to be called now, as provider/model."""
        return (name for name, breaker in self._breakers.items() if breaker.state(now) == "open")

    def rejected(self, provider: Provider, now: float) -> Kind | Literal[""]:
        """Return for what a provider lately rejected its own credential, '' when it did not."""
        key: _Key = ("credential", provider.name, provider.credential.identity, "")
        until, kind = self._cooling.get(key, _NEVER)
        return kind if until > now else ""

    def failed(
        self, target: Target, credential: Credential, endpoint: str, failure: Failure, now: float
    ) -> None:
        """Learn from a failed call."""
        policy = failure.policy
        breaker = self.breaker(target)
        if policy.breaker:
            breaker.failure(now)
        else:
            breaker.abandon()
        if policy.cools:
            key = _key(policy.cools, target, credential, endpoint)
            end = max((now + _seconds(failure), failure.kind), self._cooling.get(key, _NEVER))
            self._cooling = {old: end for old, end in self._cooling.items() if end[0] > now}
            self._cooling[key] = end

    def succeeded(self, target: Target, credential: Credential, endpoint: str, now: float) -> None:
        """Learn from a successful call: whatever was cooling for it works again."""
        self.breaker(target).success(now)
        if self._cooling:
            for cooled in ("target", "credential", "model"):
                self._cooling.pop(_key(cooled, target, credential, endpoint), None)


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
