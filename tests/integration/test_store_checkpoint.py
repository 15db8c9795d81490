"""SQLite's write-ahead log is brought back by checkpoints that hold off commits."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from row_samples import instance

from modelops.store import migrate, open_store, sqlite
from modelops.store.protocol import Instance
from modelops.store.sqlite import TIDY_EVERY


def _instance(number: int) -> Instance:
    content = "x" * 300_000  # 74 pages: 14 of these pass SQLite's own 1,000
    name = f"worker-{number % 3}"
    return instance(name, pid=number, seen_at_us=number + 1, revision=0, report=content)


async def _new(folder: Path) -> Path:
    """Make an empty store and return its file."""
    path = folder / "store.db"
    await migrate(f"sqlite:///{path}", lock_wait_s=5)
    return path


async def test_commits_are_brought_back_to_the_database_while_it_is_open(tmp_path: Path) -> None:
    path = await _new(tmp_path)
    store = open_store(f"sqlite:///{path}")
    for number in range(TIDY_EVERY + 2):
        await store.put_instance(_instance(number))  # the last one behind the checkpoint
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())  # without the log: what was brought back, and no more
    with sqlite3.connect(copy) as connection:
        pids = {pid for (pid,) in connection.execute("SELECT pid FROM instances")}
    connection.close()
    assert max(pids) == TIDY_EVERY
    await store.close()


async def test_no_connection_checkpoints_by_itself(tmp_path: Path) -> None:
    path = await _new(tmp_path)
    store = open_store(f"sqlite:///{path}")
    for number in range(2):
        await store.put_instance(_instance(number))  # the second one behind the first checkpoint
    before = path.read_bytes()
    for number in range(2, TIDY_EVERY):
        await store.put_instance(_instance(number))
    assert path.read_bytes() == before
    await store.close()


async def test_nobody_waits_for_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _new(tmp_path)
    store = open_store(f"sqlite:///{path}")
    returned = threading.Event()
    monkeypatch.setattr(sqlite, "_checkpoint", lambda *_: returned.wait(60))
    async with asyncio.timeout(10):
        await store.put_instance(_instance(0))
    returned.set()
    await store.close()


async def test_a_checkpoint_that_finds_the_store_locked_fails_nobody(tmp_path: Path) -> None:
    path = await _new(tmp_path)
    store = open_store(f"sqlite:///{path}", lock_wait_s=0.05)
    for number in range(TIDY_EVERY):
        await store.put_instance(_instance(number))
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM instances").fetchone()
    for number in range(TIDY_EVERY, TIDY_EVERY + 2):
        await store.put_instance(_instance(number))  # a checkpoint between cannot pass the reader
    reader.execute("ROLLBACK")
    reader.close()
    assert {item.pid for item in await store.instances()} >= {TIDY_EVERY + 1}
    await store.close()


async def test_every_connection_is_open_after_the_first_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await _new(tmp_path)
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def counted(*args: Any, **options: Any) -> sqlite3.Connection:
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr("sqlite3.dbapi2.connect", counted)
    store = open_store(f"sqlite:///{path}")
    await store.head()
    for number in range(2):
        await store.put_instance(_instance(number))  # the second one behind the first checkpoint
    before = len(opened)
    for number in range(2 * TIDY_EVERY):
        await asyncio.gather(store.head(), store.put_instance(_instance(number)))
    assert len(opened) == before
    await store.close()
