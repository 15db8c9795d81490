"""Places that are no store, cannot be used, or need to be brought up to date."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from resource_samples import settings
from row_samples import info
from store_samples import put, url_of

from modelops.store import database, migrate, open_revisions, open_store, schema
from modelops.store.books import Selection
from modelops.store.protocol import (
    NotAStoreError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreNewerError,
    StoreReadOnlyError,
    StoreUnreachableError,
)


async def failing_head(url: str) -> StoreError:
    """Return why a store cannot be read, which both ways of reading it say alike."""
    errors = []
    for store in (open_store(url, lock_wait_s=0), open_revisions(url)):
        with pytest.raises(StoreError) as caught:
            await store.head()
        await store.close()
        errors.append(caught.value)
    assert (type(errors[0]), str(errors[0])) == (type(errors[1]), str(errors[1]))
    return errors[0]


async def failing_migration(url: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        await migrate(url, lock_wait_s=0)
    return caught.value


@pytest.mark.parametrize(
    "url", ["", "store.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "https//x"]
)
def test_what_names_no_store_is_refused_at_once(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert caught.value.hint


async def test_a_text_file_is_not_a_store(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all\n" * 100)
    assert isinstance(await failing_head(url_of(path)), NotAStoreError)
    assert isinstance(await failing_migration(url_of(path)), NotAStoreError)
    assert path.read_text() == "not a database at all\n" * 100


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "music.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE songs (title TEXT)")
    other.close()
    assert isinstance(await failing_head(url_of(path)), NotAStoreError)
    assert isinstance(await failing_migration(url_of(path)), NotAStoreError)


async def test_a_folder_is_not_a_store(tmp_path: Path) -> None:
    error = await failing_head(url_of(tmp_path))
    assert isinstance(error, StoreUnreachableError)
    assert "is a folder" in error.message


async def test_the_folder_of_a_new_store_is_made_but_not_those_above(tmp_path: Path) -> None:
    await migrate(url_of(tmp_path / ".modelops" / "store.db"))
    assert (tmp_path / ".modelops" / "store.db").stat().st_mode & 0o777 == 0o600
    error = await failing_migration(url_of(tmp_path / "a" / "b" / "store.db"))
    assert isinstance(error, StoreUnreachableError)
    assert f"{tmp_path / 'a'} does not exist" in error.message


async def test_a_name_with_every_awkward_character_is_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a #b%20c&mode=memory.db"
    await migrate(url_of(path))
    assert path.stat().st_size > 0


async def test_a_locked_store_says_so(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    await migrate(url)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store = open_store(url, lock_wait_s=0)
    base = await store.head()
    with pytest.raises(StoreLockedError) as caught:
        await store.commit(base, put(settings()), info())
    assert caught.value.exit_code == 5
    assert isinstance(await failing_migration(url), StoreLockedError)
    other.execute("ROLLBACK")
    other.close()
    assert (await store.commit(base, put(settings()), info())).revision == 1
    await store.close()


async def test_books_that_are_not_there_do_not_read_as_empty(tmp_path: Path) -> None:
    everything = Selection(since_us=0, until_us=2**62)
    for store in (
        open_store(url_of(tmp_path / "none.db")),
        open_revisions(url_of(tmp_path / "none.db")),
    ):
        with pytest.raises(StoreMissingError, match="does not exist"):
            await store.usage(everything)
        await store.close()
    whole = open_store(url_of(tmp_path / "none.db"))
    with pytest.raises(StoreMissingError):
        await whole.list_attempts(everything, 1)
    with pytest.raises(StoreMissingError):
        await whole.count_attempts(2**62)
    await whole.close()


async def test_a_full_disk_leaves_the_old_revision(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    await migrate(url)
    store = open_store(url)
    base = await store.head()
    await store._database.run(
        lambda opened: opened.exec_driver_sql("PRAGMA max_page_count = 1").close(), write=True
    )
    huge = settings(server_recipients=("x" * 1_000_000,))
    with pytest.raises(StoreFullError):
        await store.commit(base, put(huge), info())
    assert await store.head() == base
    await store.close()


async def test_a_read_only_store_reads_and_does_not_write(tmp_path: Path) -> None:
    """As another user in a process of its own, because root may write everything."""
    path = tmp_path / "store.db"
    await migrate(url_of(path))
    os.chmod(path, 0o444)  # noqa: PTH101
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o777 if folder is tmp_path else 0o755)
    result = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-W", "error", "-c", _READ_ONLY, url_of(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.stdout == f"0\n{StoreReadOnlyError.__name__}\n", result.stderr


_READ_ONLY = """
import asyncio, os, sys
from modelops.store import open_store
from modelops.store.protocol import StoreError
from modelops.metering.attempt import Attempt
row = Attempt(attempt_id="0" * 32, request_id="0" * 32, started_at_us=0, revision=0, position=0,
              number=0, endpoint="", outcome="success", final=True)

async def main():
    store = open_store(sys.argv[1])
    await store.head()  # imports what another user may not read
    await store.close()
    if os.geteuid() == 0:
        os.setuid(65534)
    store = open_store(sys.argv[1])
    print((await store.head()).revision)
    try:
        await store.add_attempts([row])
    except StoreError as error:
        print(type(error).__name__)
    await store.close()

asyncio.run(main())
"""


async def test_a_newer_store_is_neither_read_nor_migrated(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    await migrate(url)
    with sqlite3.connect(tmp_path / "store.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    assert isinstance(await failing_head(url), StoreNewerError)
    assert isinstance(await failing_migration(url), StoreNewerError)


async def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    url = url_of(tmp_path / "store.db")
    await migrate(url)
    store = open_store(url)
    before = await store.head()
    await migrate(url)
    assert await store.head() == before
    await store.close()


async def test_an_empty_file_is_a_store_to_be(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()
    url = url_of(tmp_path / "store.db")
    store = open_store(url)
    assert (await store.head()).store_id == ""
    await migrate(url)
    assert (await store.head()).store_id != ""
    await store.close()


def test_the_list_of_versions_is_that_of_the_scripts() -> None:
    folder = Path(database.__file__).parent / "migrations"
    scripts = ScriptDirectory(str(folder)).walk_revisions()
    assert tuple(reversed([script.revision for script in scripts])) == schema.VERSIONS


async def test_the_migrations_make_the_tables_that_statements_are_built_from(
    tmp_path: Path,
) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from modelops.store.tables import metadata

    await migrate(url_of(tmp_path / "store.db"))
    opened = database.connect(url_of(tmp_path / "store.db"), lock_wait_s=1)
    differences = await opened.run(
        lambda connection: compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        )
    )
    await opened.close()
    assert differences == []
