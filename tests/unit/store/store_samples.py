"""Resources, commits and rows to fill a store with."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from sqlalchemy import text

from modelops.metering.attempt import Attempt
from modelops.resources.resolved import Agent, Parameters, Resource, Settings
from modelops.store import database
from modelops.store.protocol import Changes, CommitInfo

_NUMBERS = itertools.count(1)


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


async def run_sql(url: str, *statements: str) -> list[Any]:
    """Run statements behind a store's back; return the first value of each that has one."""
    opened = database.connect(url, lock_wait_s=1)
    try:
        async with opened.transaction(write=True) as connection:
            results = [await connection.execute(text(statement)) for statement in statements]
            return [result.scalar() if result.returns_rows else None for result in results]
    finally:
        await opened.close()


def settings(**fields: Any) -> Settings:
    values: dict[str, Any] = {
        "config": "acme",
        "default_chain": "",
        "timezone": "UTC",
        "server_recipients": (),
        "operators": (),
    }
    return Settings(**(values | fields))


def agent(name: str, display_name: str = "") -> Agent:
    return Agent(
        agent=name,
        display_name=display_name,
        chain="",
        allow=(),
        parameters=Parameters(max_tokens=None, temperature=None, top_p=None),
        keys=(),
        credentials=(),
        prefer="",
        labels={},
        protected=False,
    )


def put(*resources: Resource) -> Changes:
    return Changes(put=resources)


def info(**fields: Any) -> CommitInfo:
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


def attempt(**fields: Any) -> Attempt:
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
