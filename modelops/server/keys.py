"""Who a key belongs to: the callers of a revision, compiled from the hashes it declares.

Keys are known by their SHA-256 alone. A key that is shown is hashed whole and its digest compared
in constant time with every candidate that shares its first bytes: nothing is cached, nothing is
truncated, and the database is not asked.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from modelops.resources.resolved import Key, Role
from modelops.resources.state import State, agents, settings

CallerKind = Literal["agent", "operator", "local"]

_BUCKET = 4
"""Bytes of the digest by which candidates are found; the rest is compared in constant time."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asking. `local` is someone on this machine, where no keys are declared.

    `name` is '' when nobody was named; `role` is '' for an agent.
    """

    kind: CallerKind
    name: str
    role: Role | Literal[""] = ""


class _Entry(msgspec.Struct, frozen=True):
    digest: bytes
    caller: Caller
    expires: str
    expires_at: float


Keys = Mapping[bytes, tuple[_Entry, ...]]


class Keyring(msgspec.Struct, frozen=True, kw_only=True):
    """All keys of one revision, those of agents and those of operators apart."""

    agents: Keys
    operators: Keys


class ExpiredKeyError(Exception):
    """The key is known but its last day is over."""

    def __init__(self, expires: str) -> None:
        super().__init__(f"this key expired after {expires}")


EMPTY = Keyring(agents={}, operators={})


def compile_keyring(state: State) -> Keyring:
    """Return the keyring of a state; expiry dates end with their day in its time zone."""
    declared = settings(state)
    if declared is None:
        return EMPTY
    zone = ZoneInfo(declared.timezone)
    agent_keys = (
        _entry(key, Caller(kind="agent", name=agent.agent), zone)
        for agent in agents(state).values()
        for key in agent.keys
    )
    operator_keys = (
        _entry(key, Caller(kind="operator", name=operator.operator, role=operator.role), zone)
        for operator in declared.operators
        for key in operator.keys
    )
    return Keyring(agents=_buckets(agent_keys), operators=_buckets(operator_keys))


def find(keys: Keys, token: bytes, unix_s: float) -> Caller | None:
    """Return whose key `token` is, None when nobody's; ExpiredKeyError when its time is over."""
    digest = hashlib.sha256(token).digest()
    found = None
    for entry in keys.get(digest[:_BUCKET], ()):
        if hmac.compare_digest(entry.digest, digest):
            found = entry
    if found is None:
        return None
    if unix_s >= found.expires_at:
        raise ExpiredKeyError(found.expires)
    return found.caller


def tokens(headers: Mapping[bytes, bytes]) -> list[bytes]:
    """Return the keys a request shows: `authorization: Bearer` and `x-api-key`."""
    shown = []
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer" and token:
        shown.append(token.strip())
    if key := headers.get(b"x-api-key"):
        shown.append(key)
    return shown


def _entry(key: Key, caller: Caller, zone: ZoneInfo) -> _Entry:
    expires_at = float("inf")
    if key.expires:
        next_day = date.fromisoformat(key.expires) + timedelta(days=1)
        expires_at = datetime.combine(next_day, time(), zone).timestamp()
    return _Entry(bytes.fromhex(key.sha256), caller, key.expires, expires_at)


def _buckets(entries: Iterable[_Entry]) -> Keys:
    buckets: dict[bytes, list[_Entry]] = defaultdict(list)
    for entry in entries:
        buckets[entry.digest[:_BUCKET]].append(entry)
    return {prefix: tuple(candidates) for prefix, candidates in buckets.items()}
