"""The store of `up --simulate`, met by the commands that plan, apply and roll back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from folder_changes import change

from modelops.cli import stores
from modelops.cli.main import run
from modelops.operations.apply import apply
from modelops.operations.plan import PlanningStore, Request, prepare
from modelops.resources.errors import ExitCode
from modelops.store import migrate


def test_a_simulated_store_is_asked_for_no_keys(folder: Path, out: Callable[[], str]) -> None:
    url = f"sqlite:///{folder.resolve()}/.modelops/simulated.db"
    request = Request(
        folder=folder,
        environment="",
        created_by="ada@laptop",
        now=datetime(2026, 11, 21, tzinfo=UTC),
        simulated=True,
    )
    asyncio.run(migrate(url))
    stores.using(url, lambda store: _up(store, request))
    change(folder)
    out()
    assert run(["plan", "--store", url, "--format", "json"]) == ExitCode.DONE
    (changed,) = json.loads(out())["changes"]
    assert [field["path"] for field in changed["fields"]] == ["display_name"]
    assert run(["apply", "--store", url, "--yes"]) == ExitCode.DONE
    assert run(["rollback", "1", "--store", url, "--yes"]) == ExitCode.DONE
    assert stores.using(url, lambda store: store.secrets()) == []


async def _up(store: PlanningStore, request: Request) -> None:
    """Do what `up --simulate` does before it serves."""
    await apply(store, await prepare(store, request))
