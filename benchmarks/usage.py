"""Reports over large books: how long `usage` takes over 1,000,000 attempts in thirty days.

The rows follow a working day: more by day than by night, and go back further than the reports, so
that these begin in the middle of a day. 5,000 users each belong to one of 30 agents, an agent calls
one or two of 12 chains, a chain has three of 40 models; few have most of the calls. Every apply
changes a label, of one agent, of all, or of each in its turn. Run as `python -m benchmarks.usage
[--attempts N] [--applies N] [--keep FILE]`; with `--keep` a store that is there already is measured
as it is.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import math
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.operations.usage import UsageQuery, report
from modelops.resources.errors import ModelopsError
from modelops.resources.resolved import Agent, Parameters
from modelops.server.worker import COLLECTION
from modelops.store import migrate, open_store
from modelops.store.protocol import Changes, CommitInfo
from modelops.store.sql_store import SqlStore

NOW_US = 1_763_700_000_000_000
DAYS = 30
EARLIER_DAYS = 2
"""Of attempts that no report counts."""
DAY_US = 86_400_000_000
BATCH = 5_000

MODELS, AGENTS, CHAINS, USERS = 40, 30, 12, 5_000

APPLIES = 60
"""Revisions of the thirty days that reports are over: two a day."""
FIRST_REVISION = 5
"""The first of them. Those before are of the days before."""

QUERIES = {
    "total": UsageQuery(period="30d"),
    "by model": UsageQuery(period="30d", by=("model",)),
    "by provider, status": UsageQuery(period="30d", by=("provider", "status")),
    "by agent": UsageQuery(period="30d", by=("agent",)),
    "by chain, revision": UsageQuery(period="30d", by=("chain", "revision")),
    "by user": UsageQuery(period="30d", by=("user",)),
    "by day": UsageQuery(period="30d", bucket="day"),
    "by model, by day": UsageQuery(period="30d", by=("model",), bucket="day"),
    "today by model": UsageQuery(period="today", by=("model",)),
    "by label": UsageQuery(period="30d", by=("label.team",)),
    "by agent, model": UsageQuery(period="30d", by=("agent", "model")),
    "by label, model, status": UsageQuery(period="30d", by=("label.team", "model", "status")),
    "by user, model": UsageQuery(period="30d", by=("user", "model")),
    "7 days by model, by hour": UsageQuery(period="7d", by=("model",), bucket="hour"),
    "by user, status": UsageQuery(period="30d", by=("user", "status")),
    "by user, chain, model": UsageQuery(period="30d", by=("user", "chain", "model")),
    "by label, user": UsageQuery(period="30d", by=("label.team", "user")),
    "by user, label of 1 changed": UsageQuery(period="30d", by=("user", "label.cost_center")),
    "by user, label of all changed": UsageQuery(period="30d", by=("user", "label.department")),
    "by user, label of each changed": UsageQuery(period="30d", by=("user", "label.site")),
    "by user, revision": UsageQuery(period="30d", by=("user", "revision")),
    "by user, revision, 7 days": UsageQuery(period="7d", by=("user", "revision")),
    "by user, revision, 24 h": UsageQuery(period="24h", by=("user", "revision")),
    "of a user, by day": UsageQuery(period="30d", bucket="day", filters={"user": ("user-7",)}),
    "7 days by user": UsageQuery(period="7d", by=("user",)),
    "24h by user": UsageQuery(period="24h", by=("user",)),
}


def agent(number: int, revision: int, applies: int) -> Agent:
    """Return an agent as it is declared at a revision.

    Its team never changes; its cost center does once if it is an agent of an average share of the
    calls, its department half way as everyone's, its site at a revision of its own.
    """
    changes = {
        "cost_center": FIRST_REVISION + applies // 3 if number == 7 else math.inf,
        "department": FIRST_REVISION + applies // 2,
        "site": FIRST_REVISION + number * applies // AGENTS,
    }
    name = f"agent-{number}"
    return Agent(
        agent=name,
        display_name=name,
        chain="",
        allow=(),
        parameters=Parameters(max_tokens=None, temperature=None, top_p=None),
        keys=(),
        credentials=(),
        prefer="",
        labels={"team": f"team-{number % 6}"}
        | {label: f"{label}-{number % 4 + (revision >= at)}" for label, at in changes.items()},
        protected=False,
    )


async def apply(store: SqlStore, applies: int) -> None:
    """Make the revisions that rows are of."""
    for revision in range(1, FIRST_REVISION + applies):
        agents = tuple(agent(number, revision, applies) for number in range(AGENTS))
        info = CommitInfo(
            kind="apply",
            config="acme",
            environment="",
            config_digest=str(revision),
            created_at_us=NOW_US,
            created_by="benchmark",
            git_commit="",
            message="",
            tool_version="",
            catalog="",
            counts={},
        )
        await store.commit(await store.head(), Changes(put=agents), info)


def attempts(count: int, applies: int) -> Iterator[Attempt]:
    """Yield rows in the order of time, `count` of them in the last thirty days."""
    chance = random.Random(1)  # noqa: S311  # the same rows every time
    for number in range(-count * EARLIER_DAYS // DAYS, count):
        user = int(USERS * chance.random() ** 3)
        agent = int(AGENTS * (user * 0.618 % 1) ** 2)
        chain = (agent + 5 * (chance.random() < 0.2)) % CHAINS
        position = (chance.random() < 0.05) + (chance.random() < 0.01)
        model = (3 * chain + position) % MODELS
        ok = chance.random() < 0.97
        latency_us = int(math.exp(chance.gauss(14, 0.8)))
        day, part = divmod(number * DAYS / count, 1)
        in_day = part - math.sin(2 * math.pi * part) / (2.5 * math.pi)
        yield Attempt(
            attempt_id=f"{chance.getrandbits(128):032x}",
            request_id=f"{chance.getrandbits(128):032x}",
            started_at_us=NOW_US - DAYS * DAY_US + int((day + in_day) * DAY_US),
            revision=FIRST_REVISION + int(number * applies / count),
            agent=f"agent-{agent}",
            user=f"user-{user}",
            chain=f"chain-{chain}",
            position=position,
            number=position,
            provider=f"provider-{model % 9}",
            model=f"model-{model}",
            endpoint="/v1/chat/completions",
            protocol="openai",
            usage=Usage(
                source="reported",
                input_tokens=chance.randrange(20_000),
                output_tokens=chance.randrange(1_000),
                cache_read_tokens=0,
            ),
            cost=Cost(
                source="catalog", total_pico=10**9, input_pico=6 * 10**8, output_pico=4 * 10**8
            ),
            latency_us=latency_us,
            first_content_us=latency_us // 3,
            outcome="success" if ok else "failed",
            status=200 if ok else 529,
            final=ok or chance.random() < 0.5,
        )


async def fill(store: SqlStore, count: int, applies: int) -> None:
    """Insert rows as the ledger does, in larger batches."""
    batch: list[Attempt] = []
    for attempt in attempts(count, applies):
        batch.append(attempt)
        if len(batch) == BATCH:
            await store.add_attempts(batch)
            batch.clear()
    await store.add_attempts(batch)


async def answer(store: SqlStore, query: UsageQuery) -> str:
    """Return how much a report says, or why there is none."""
    try:
        found = await report(store, query, now_us=NOW_US)
    except ModelopsError as error:
        return error.message
    rows = len(found.rows) + len(found.series)
    return f"{rows:6,} rows, {found.totals.attempts:,} attempts"


async def measure(url: str, count: int, applies: int) -> None:
    """Fill a store, if there are rows to, and time every query three times."""
    await migrate(url)
    store = open_store(url)
    if count:
        started = time.perf_counter()
        await apply(store, applies)
        await fill(store, count, applies)
        print(f"{count:,} rows and those before in {time.perf_counter() - started:.1f} s")
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION)  # as a server does
    for name, query in QUERIES.items():
        times = []
        for _ in range(3):
            started, worked = time.perf_counter(), time.process_time()
            said = await answer(store, query)
            times.append((time.process_time() - worked, time.perf_counter() - started))
        cpu_s, wall_s = min(times)
        print(f"{name:<30} {cpu_s:7.3f} s CPU {wall_s:7.3f} s   {said}")
    await store.close()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=1_000_000)
    parser.add_argument("--applies", type=int, default=APPLIES)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.keep or Path(folder) / "store.db"
        count = 0 if path.exists() else arguments.attempts
        asyncio.run(measure(f"sqlite:///{path}", count, arguments.applies))
        print(f"{path.stat().st_size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
