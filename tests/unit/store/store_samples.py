"""Resources, commits and rows to fill a store with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import resource_samples as samples
from sqlalchemy import Connection, text

from modelops.resources.resolved import Agent, Resource
from modelops.store import database
from modelops.store.protocol import Changes


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


async def run_sql(url: str, *statements: str) -> list[Any]:
    """Run statements behind a store's back; return the first value of each that has one."""

    def run(connection: Connection) -> list[Any]:
        results = [connection.execute(text(statement)) for statement in statements]
        return [result.scalar() if result.returns_rows else None for result in results]

    opened = database.connect(url, lock_wait_s=1)
    try:
        return await opened.run(run, write=True)
    finally:
        await opened.close()


def agent(name: str, display_name: str = "") -> Agent:
    return samples.agent(name, display_name=display_name, allow=())


def put(*resources: Resource) -> Changes:
    return Changes(put=resources)
