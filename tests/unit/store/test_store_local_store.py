"""A SQLite store read through the driver alone says what the whole store says."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from resource_samples import settings
from row_samples import attempt, info, sealed
from store_samples import agent, put, url_of

from modelops.store import migrate, open_revisions, open_store
from modelops.store.books import Selection
from modelops.store.local_store import LocalStore
from modelops.store.protocol import Changes, StoreDamagedError, StoreError

SECRET = sealed(address="agent/dev", field="credentials[openai].api_key")


async def filled(url: str) -> LocalStore:
    """Return a store of three revisions and a secret, all of them made through itself."""
    await migrate(url)
    store = open_revisions(url)
    assert isinstance(store, LocalStore)
    first = Changes(put=(settings(), agent("dev"), agent("ops")), secrets=(SECRET,))
    await store.commit(await store.head(), first, info())
    await store.commit(await store.head(), put(agent("dev", "Development")), info(message="two"))
    await store.commit(await store.head(), Changes(delete=("agent/ops",)), info(counts={}))
    return store


async def test_every_read_is_that_of_the_whole_store(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    local, whole = await filled(url), open_store(url)
    assert (await local.head()).revision == 3
    assert await local.head() == await whole.head()
    for revision in (None, 0, 1, 2, 3):
        assert await local.snapshot(revision) == await whole.snapshot(revision)
    assert len((await local.snapshot(1)).state) == 3
    for limit, before in ((10, None), (1, None), (10, 2), (10, 1)):
        assert await local.revisions(limit, before) == await whole.revisions(limit, before)
    assert await local.secrets() == await whole.secrets() == [SECRET]
    assert await local.settings() == await whole.settings() == settings()
    assert await local.agent_labels() == await whole.agent_labels()
    await local.close()
    await whole.close()


async def test_the_books_are_asked_of_the_whole_store(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    local, whole = await filled(url), open_store(url)
    row = attempt()
    await whole.add_attempts([row])
    everything = Selection(since_us=0, until_us=2 * row.started_at_us)
    assert [group.sums.attempts for group in await local.usage(everything)] == [1]
    assert [found.attempt_id for found in await local.list_attempts(everything, 10)] == [
        row.attempt_id
    ]
    await local.close()
    await whole.close()


async def test_a_store_that_is_not_there_is_empty_and_stays_away(tmp_path: Path) -> None:
    store = open_revisions(url_of(tmp_path / "store.db"))
    assert (await store.snapshot()).head.revision == 0
    assert (list(await store.revisions(5)), list(await store.secrets())) == ([], [])
    with pytest.raises(StoreError, match="there is no revision 7"):
        await store.snapshot(7)
    await store.close()
    assert list(tmp_path.iterdir()) == []


async def test_content_that_was_changed_behind_its_back_is_damage(tmp_path: Path) -> None:
    store = await filled(url_of(tmp_path / "store.db"))
    await store.close()
    with sqlite3.connect(tmp_path / "store.db") as raw:
        raw.execute("UPDATE resources SET content = replace(content, 'Development', 'Other')")
    raw.close()
    with pytest.raises(StoreDamagedError, match="agent/dev in the store is not what was applied"):
        await store.snapshot()


async def test_a_reader_waits_for_no_writer(tmp_path: Path) -> None:
    store = await filled(url_of(tmp_path / "store.db"))
    await store.close()
    writer = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE store SET revision = 99")
    assert (await store.head()).revision == 3
    writer.execute("ROLLBACK")
    writer.close()


async def test_planning_on_a_local_store_needs_no_sqlalchemy(tmp_path: Path) -> None:
    """It takes longer to import than a plan takes to make."""
    (tmp_path / "modelops.yaml").write_text("config: acme\n")
    (tmp_path / "agents.d").mkdir()
    (tmp_path / "agents.d" / "dev.yaml").write_text("agent: dev\n")
    url = url_of(tmp_path / "store.db")
    await (await filled(url)).close()
    code = (
        "import sys; from modelops.cli.main import run; code = run(sys.argv[1:]);"
        "print(code, 'sqlalchemy' in sys.modules, file=sys.stderr)"
    )
    for command in ("plan", "history", "show"):
        result = subprocess.run(
            [sys.executable, "-c", code, command, "-C", str(tmp_path), "--store", url],
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.stderr.split()[-2:] == ["0", "False"], result.stderr
