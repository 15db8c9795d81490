"""Whatever happens to `apply`, the store holds the old revision or the new one."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.interfaces import DBAPICursor

from modelops.config import load_configuration
from modelops.operations.apply import apply
from modelops.operations.plan import Prepared, Request, prepare
from modelops.resources.errors import StaleError
from modelops.store import migrate, open_store
from modelops.store.protocol import Revision, Snapshot, StoreReadOnlyError

MODELS = 300
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def declare(folder: Path, price: int) -> None:
    """Write a configuration in which every model costs `price`."""
    (folder / "providers.d").mkdir(parents=True, exist_ok=True)
    (folder / "modelops.yaml").write_text("config: large\n")
    models = "".join(
        f"  - {{model: m{number}, price: {{input: {price}, output: 1}}}}\n"
        for number in range(MODELS)
    )
    (folder / "providers.d" / "p.yaml").write_text(
        f"provider: p\nprotocol: openai\nbase_url: https://p.example/v1\nmodels:\n{models}"
    )


def url(folder: Path) -> str:
    return f"sqlite:///{folder}/.modelops/store.db"


async def prepared(folder: Path) -> Prepared:
    request = Request(folder=folder, environment="", created_by="ada@laptop", now=NOW)
    store = open_store(url(folder))
    try:
        return await prepare(store, request)
    finally:
        await store.close()


async def carried_out(folder: Path, ready: Prepared) -> Revision | None:
    store = open_store(url(folder))
    try:
        return await apply(store, ready)
    finally:
        await store.close()


async def applied(folder: Path) -> None:
    await migrate(url(folder))
    await carried_out(folder, await prepared(folder))


async def held(folder: Path) -> Snapshot:
    """Return what the store holds; reading it checks its digests."""
    store = open_store(url(folder))
    try:
        return await store.snapshot()
    finally:
        await store.close()


def start(folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "modelops", "apply", "--yes", "-C", str(folder)]
    environ = {name: value for name, value in os.environ.items() if name != "MODELOPS_STORE"}
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
    )


@pytest.mark.parametrize(
    "kills", [5, pytest.param(50, marks=pytest.mark.crash)], ids=["few", "many"]
)
def test_killed_at_any_moment_it_did_all_or_nothing(tmp_path: Path, kills: int) -> None:
    declare(tmp_path, 1)
    asyncio.run(applied(tmp_path))
    declare(tmp_path, 2)
    begun = time.monotonic()
    assert start(tmp_path).wait() == 0
    whole = time.monotonic() - begun
    moments = random.SystemRandom()
    for price in range(3, 3 + kills):
        before = asyncio.run(held(tmp_path))
        declare(tmp_path, price)
        declared = load_configuration(tmp_path).state
        process = start(tmp_path)
        moment = moments.uniform(0.2, 1.1) * whole
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        after = asyncio.run(held(tmp_path))
        ready = asyncio.run(prepared(tmp_path))
        message = f"killed after {moment:.4f} s of {whole:.4f} s"
        if ready.plan.empty:
            assert after.head.revision == before.head.revision + 1, message
            assert after.state == declared, message
        else:
            assert after == before, message
            asyncio.run(applied(tmp_path))
            assert asyncio.run(held(tmp_path)).state == declared, message


@pytest.mark.parametrize("kilobytes", [0, 40, 80, 160])
def test_a_disk_that_takes_no_more_leaves_the_old_revision(tmp_path: Path, kilobytes: int) -> None:
    declare(tmp_path, 1)
    asyncio.run(applied(tmp_path))
    declare(tmp_path, 2)
    before = asyncio.run(held(tmp_path))
    limit = kilobytes * 1024

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "modelops", "apply", "--yes", "-C", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited)
    assert done.returncode == 1, done.stderr
    assert "error: the store " in done.stderr
    assert asyncio.run(held(tmp_path)) == before
    assert not asyncio.run(prepared(tmp_path)).plan.empty


async def test_a_store_that_turns_read_only_midway_keeps_the_old_revision(tmp_path: Path) -> None:
    declare(tmp_path, 1)
    await applied(tmp_path)
    declare(tmp_path, 2)
    before, ready = await held(tmp_path), await prepared(tmp_path)
    refused = 0
    for moment in itertools.count():
        with read_only_from(moment):
            try:
                await carried_out(tmp_path, ready)
            except StoreReadOnlyError:
                refused += 1
            else:
                break
        assert await held(tmp_path) == before
    assert refused > 3
    assert (await held(tmp_path)).head.revision == 2


@contextlib.contextmanager
def read_only_from(moment: int) -> Iterator[None]:
    """Have SQLite refuse to write from this statement on, whichever connection has it."""
    passed = itertools.count()

    def turn(_: Connection, cursor: DBAPICursor, *__: object) -> None:
        if next(passed) >= moment:
            cursor.execute("PRAGMA query_only = ON")

    event.listen(Engine, "before_cursor_execute", turn)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", turn)


async def test_of_two_applies_at_once_one_is_stale(tmp_path: Path) -> None:
    declare(tmp_path, 1)
    await applied(tmp_path)
    declare(tmp_path, 2)
    both = await prepared(tmp_path), await prepared(tmp_path)
    results = await asyncio.gather(
        *(carried_out(tmp_path, ready) for ready in both), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Revision", "StoreStaleError"]
    assert any(isinstance(result, StaleError) for result in results)
    assert (await held(tmp_path)).head.revision == 2


async def test_of_two_first_applies_one_is_stale(tmp_path: Path) -> None:
    declare(tmp_path, 1)
    ready = await prepared(tmp_path)
    assert ready.base.head.store_id == ""
    await applied(tmp_path)
    with pytest.raises(StaleError):
        await carried_out(tmp_path, ready)
    assert (await held(tmp_path)).head.revision == 1
