"""Deleting old attempts: what they add up to stays, so reports go on answering.

Only whole days are deleted, because days are what rollups are kept by. How far is remembered, in
the transaction of the first deletion: a report that would have to read attempts from before then is
refused, because what is left of them would be a wrong sum.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Connection, delete, func, literal, select

from modelops.resources.errors import ModelopsError
from modelops.resources.times import DAY_US
from modelops.store.books import SLOT_US
from modelops.store.protocol import StoreError
from modelops.store.tables import attempts, rollup_state

ROWS_AT_ONCE = 2_000
"""Attempts in one transaction: about 50 ms of the write lock."""


def prune(connection: Connection, before_us: int) -> int:
    """Delete a batch of the attempts that started before a UTC day; return how many, 0 at the end.

    StoreError when no day of UTC begins then.
    """
    if before_us % DAY_US:
        raise StoreError("attempts are deleted by whole days of UTC", "name a day")
    before = before_us // SLOT_US
    connection.execute(
        rollup_state.update()
        .where(rollup_state.c.pruned_until < before)
        .values(pruned_until=before)
    )
    old = (
        select(attempts.c.attempt_id)
        .where(attempts.c.started_at_us < before_us)
        .limit(ROWS_AT_ONCE)
    )
    done = connection.execute(delete(attempts).where(attempts.c.attempt_id.in_(old)))
    return done.rowcount


def count(connection: Connection, before_us: int) -> int:
    """Return how many attempts there are that started before a time."""
    old = select(func.count()).where(attempts.c.started_at_us < before_us)
    return int(connection.scalar(old) or 0)


WHOLE_DAYS = "or at a whole day of UTC, or group by less"
"""What a report may do that sums of days answer."""


def require_kept(connection: Connection, since_us: int, instead: str = WHOLE_DAYS) -> None:
    """Raise unless all attempts that started at a time or later are still there.

    ModelopsError, since the store is well: it is another question that it answers. `instead` says
    what may be asked, beside a later span.
    """
    pruned = connection.scalar(select(rollup_state.c.pruned_until))
    pruned_us = int(pruned or 0) * SLOT_US
    if pruned_us and since_us < pruned_us:
        raise ModelopsError(
            f"attempts before {_day(pruned_us)} were pruned, and what is kept of them does not"
            " answer this",
            f"begin at {_day(pruned_us)}, {instead}",
        )


def newest_us(connection: Connection) -> int:
    """Return when the newest attempt started that is there or was deleted, or a little later."""
    pruned = select(rollup_state.c.pruned_until * literal(SLOT_US, BigInteger)).scalar_subquery()
    newest = select(func.max(attempts.c.started_at_us)).scalar_subquery()
    row = connection.execute(select(newest, pruned)).one()
    return max(int(value or 0) for value in row)


def _day(unix_us: int) -> str:
    return f"{datetime.fromtimestamp(unix_us // 1_000_000, UTC):%Y-%m-%d}"
