"""Rows of the store as most tests want them: whatever matters to a test, it says itself."""

from __future__ import annotations

import itertools
from typing import Any

from modelops.metering.attempt import Attempt
from modelops.secrets.sealed import SealedSecret
from modelops.store.protocol import CommitInfo, Head, Instance

_NUMBERS = itertools.count(1)


def head(**fields: Any) -> Head:
    """Return the head of a store that stands at its first revision."""
    values: dict[str, Any] = {
        "store_id": "s",
        "config": "acme",
        "environment": "",
        "revision": 1,
        "digest": "d",
        "config_digest": "c",
    }
    return Head(**(values | fields))


def info(**fields: Any) -> CommitInfo:
    """Return what an apply says of itself."""
    values: dict[str, Any] = {
        "kind": "apply",
        "config": "acme",
        "environment": "",
        "config_digest": "c" * 64,
        "created_at_us": 1_763_700_000_000_000,
        "created_by": "ada@laptop",
        "git_commit": "9ac1e2f0",
        "message": "",
        "tool_version": "0.1.0",
        "catalog": "2026-11-18",
        "counts": {"create": 1},
    }
    return CommitInfo(**(values | fields))


def sealed(**fields: Any) -> SealedSecret:
    """Return the row of the key of provider/openai; its seal opens for nobody."""
    values: dict[str, Any] = {
        "address": "provider/openai",
        "field": "api_key",
        "kind": "sops",
        "source_sha256": "a" * 64,
        "data_key_sha256": "b" * 64,
        "origin": "https://api.openai.com",
        "blob": "ms1.x.y",
        "updated_at": 1,
    }
    return SealedSecret(**(values | fields))


def instance(name: str = "i1", **fields: Any) -> Instance:
    """Return the row of a worker that has reported nothing yet."""
    values: dict[str, Any] = {
        "instance": name,
        "host": "here",
        "pid": 1,
        "started_at_us": 1,
        "seen_at_us": 1,
        "revision": 1,
        "error": "",
        "report": "{}",
    }
    return Instance(**(values | fields))


def attempt(**fields: Any) -> Attempt:
    """Return the one successful attempt of a request, another one each time."""
    values: dict[str, Any] = {
        "attempt_id": f"{next(_NUMBERS):032x}",
        "request_id": f"{next(_NUMBERS):032x}",
        "started_at_us": 1_763_700_000_000_000,
        "revision": 1,
        "position": 0,
        "number": 0,
        "provider": "openai",
        "model": "gpt-4o",
        "endpoint": "/v1/chat/completions",
        "outcome": "success",
        "final": True,
    }
    return Attempt(**(values | fields))
