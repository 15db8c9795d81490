"""What is particular to Postgres: how to connect, how to begin, and what its errors mean.

The URL goes to asyncpg as it is, so everything that libpq knows holds: sockets, `sslmode`, a
password file. Reads see one snapshot (REPEATABLE READ), because a report is several statements.
Writes see what is committed (READ COMMITTED): a commit that waits for another's compare-and-swap
then finds the head moved, and says that it is stale.

A database that is gone without a word (a failover, a firewall, a host that froze) answers nothing
and closes nothing. So a transaction has a bound, at which its connection is dropped unasked:
asyncpg's own `command_timeout` and SQLAlchemy's ping both wait for a last word from it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, TypeVar
from urllib.parse import urlsplit
from weakref import WeakSet

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from modelops.store.protocol import (
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreReadOnlyError,
    StoreRefusedError,
    StoreUnreachableError,
)

T = TypeVar("T")

SCHEMES = ("postgresql", "postgres")
CONNECT_S = 10.0
"""How long a connection may take to be made."""

ANSWER_S = 8.0
"""How long a transaction may take that is not `long_running`: milliseconds, and 5 s for a lock."""

REPORTS_MAX = 5
"""Reads that take seconds at once: a third of the pool, so that nothing short waits for them."""

CLOSE_S = 1.0
"""How long the server may take to hear that a connection ends."""

_KEEPALIVE = {
    "TCP_KEEPIDLE": 10,
    "TCP_KEEPINTVL": 5,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 25_000,
}
"""A host that is gone is noticed within 25 s even by what may take long; as far as the system has
these options (tcp(7))."""

_READ = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"

_SHUT_OTHERS_OUT = f"SELECT pg_advisory_xact_lock({0x6D6F64656C6F7073})"
"""Of whoever makes or changes the tables: "modelops" in ASCII."""


def place_of(url: str) -> str:
    """Return how messages call a database: host and name, never user and password."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or "the local socket"
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise StoreError(
            "the URL of the store cannot be read", "write postgresql://USER@HOST:PORT/DATABASE"
        ) from None
    return f"the store {parts.path.lstrip('/') or 'postgres'!r} on {host}{port}"


class PostgresTransactions:
    """Transactions on one database, on the event loop, which goes on while the database works.

    With `migrates` they shut out others of their kind, and may take as long as they need.
    """

    def __init__(
        self, url: str, *, lock_wait_s: float, migrates: bool = False, answer_s: float = ANSWER_S
    ) -> None:
        self._place = place = place_of(url)
        if not all(map(find_spec, ("asyncpg", "greenlet"))):
            raise StoreUnreachableError(
                f"{place} needs asyncpg and greenlet", "pip install asyncpg greenlet"
            )
        from sqlalchemy.ext.asyncio import create_async_engine

        self._engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=lambda: _connect(url, place, lock_wait_s),
            pool_use_lifo=True,
            pool_timeout=CONNECT_S,
            hide_parameters=True,
        )
        event.listen(self._engine.sync_engine, "connect", self._remember)
        event.listen(self._engine.sync_engine, "checkout", _refuse_closed)
        self._drivers: WeakSet[Any] = WeakSet()
        self._migrates = migrates
        self._answer_s = answer_s
        self._reports = asyncio.Semaphore(REPORTS_MAX)

    async def run(self, work: Callable[[Connection], T], *, write: bool, long_running: bool) -> T:
        """Return what work comes to; it may be cancelled wherever it waits for the database."""
        reports = long_running and not write
        turn = self._reports if reports else contextlib.nullcontext()
        async with turn, self._engine.connect() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            bound = contextlib.nullcontext if long_running or self._migrates else self._bound
            with bound(driver):
                async with connection.begin():
                    if self._migrates:
                        await connection.exec_driver_sql(_SHUT_OTHERS_OUT)
                    elif not write:
                        await connection.exec_driver_sql(_READ)
                    return await connection.run_sync(work)

    async def close(self) -> None:
        """Close every connection."""
        closing = [driver.close(timeout=CLOSE_S) for driver in self._drivers]
        await asyncio.gather(*closing, return_exceptions=True)  # what fails is dropped
        await self._engine.dispose()

    def _remember(self, _: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        self._drivers.add(entry.driver_connection)

    @contextlib.contextmanager
    def _bound(self, driver: Any) -> Iterator[None]:
        """Drop the connection when what runs here takes too long: StoreUnreachableError then."""
        dropped = False

        def drop() -> None:
            nonlocal dropped
            dropped = True
            driver.terminate()

        timer = asyncio.get_running_loop().call_later(self._answer_s, drop)
        try:
            yield
        except SQLAlchemyError:
            if not dropped:
                raise
            raise StoreUnreachableError(
                f"{self._place} does not answer: nothing in {self._answer_s:g} s",
                "check that the server runs, and the network to it",
            ) from None
        finally:
            timer.cancel()


def _refuse_closed(_: DBAPIConnection, entry: ConnectionPoolEntry, __: object) -> None:
    """Have another connection made in place of one that the server has closed."""
    driver: Any = entry.driver_connection
    if driver.is_closed():
        raise InvalidatePoolError


async def _connect(url: str, place: str, lock_wait_s: float) -> Any:
    """Return a connection; StoreUnreachableError in words that hold no password."""
    import asyncpg  # type: ignore[import-untyped]  # it ships no types

    wait_ms = max(1, round(lock_wait_s * 1000))
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_S, server_settings={"lock_timeout": str(wait_ms)}
        )
    except (OSError, TimeoutError) as error:
        reason = str(error) or f"no answer in {CONNECT_S:.0f} s"
        raise StoreUnreachableError(
            f"{place} does not answer: {reason}", "check the URL, and that the server runs"
        ) from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StoreUnreachableError(
            f"{place} cannot be used: {_said(error)}",
            "check user, password and database of the URL",
        ) from None
    _keep_alive(connection._transport.get_extra_info("socket"))  # noqa: SLF001  # no other way
    return connection


def _keep_alive(connection: socket.socket) -> None:
    """Have the system notice when the other end of a TCP connection is gone."""
    if connection.family == socket.AF_UNIX:
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


def store_error(error: BaseException, place: str) -> StoreError:
    """Return what an error of the driver means for the person who runs this.

    By SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html.
    """
    code = getattr(error, "sqlstate", None) or ""
    if code in ("55P03", "40P01", "40001"):
        return StoreLockedError(
            f"{place} is locked by another process", "try again when that one is done"
        )
    if code in ("25006", "42501"):
        return StoreReadOnlyError(
            f"{place} is read-only", "check the grants of its user, and that it is not a replica"
        )
    if code in ("53100", "53200"):
        return StoreFullError(f"the disk or memory of {place} is full", "make room and try again")
    if code.startswith("XX"):
        return StoreDamagedError(
            f"{place} cannot be read: {_said(error)}",
            "check the server's log, and restore a backup",
        )
    gone = code[:2] in ("08", "28", "57", "53") or code == "3D000"
    if gone or isinstance(error, OSError) or getattr(error, "is_disconnect", False):
        return StoreUnreachableError(
            f"{place} does not answer: {_said(error)}", "check the URL, and that the server runs"
        )
    if code[:2] in ("22", "23"):
        return StoreRefusedError(f"{place} does not take a value: {_said(error)}")
    return StoreError(f"{place} failed: {_said(error)}")


def _said(error: BaseException) -> str:
    """Return the driver's own words: asyncpg has a row's values in the lines below the first.

    SQLAlchemy puts an error around asyncpg's, and that puts one with the value around what Python
    says of a value that it cannot send.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error) or type(error).__name__).partition("\n")[0]
