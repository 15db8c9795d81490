"""Usage, attempts and their export at `/api`, over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence

import pytest
from memory_store import MemoryStore
from row_samples import attempt
from server_support import (
    Answered,
    agent,
    ask,
    key,
    make_runtime,
    operator,
    serving,
    settings,
    state,
)

from modelops.ledger.export import csv_lines
from modelops.metering.attempt import Attempt
from modelops.store import cells, open_store

OPERATOR = "authorization: Bearer mo_o1_secret"
OWNED = state(
    settings(operators=(operator("ada", "viewer", key("mo_o1_secret")),)),
    agent("dev-agent", key("mo_a1_secret")),
)

PATHS = ("/api/usage", "/api/usage/attempts", "/api/usage/export.csv")


async def get(path: str) -> Answered:
    async with serving(make_runtime(MemoryStore(OWNED))) as port:
        return await ask(port, path, method="GET", headers=[OPERATOR])


async def get_of(url: str, rows: Sequence[Attempt], *paths: str) -> list[Answered]:
    """Return what a server answers from a store of these rows, to which nothing was applied."""
    store = open_store(url)
    await store.add_attempts(rows)
    runtime = make_runtime(MemoryStore())
    runtime.store = store
    async with serving(runtime) as port:
        answers = [await ask(port, path, method="GET") for path in paths]
    await store.close()
    return answers


async def test_usage_is_grouped_and_filtered_as_asked() -> None:
    store = MemoryStore(OWNED)
    path = "/api/usage?by=provider,model&by=agent&period=7d&filter=status:failed&filter=agent:x"
    async with serving(make_runtime(store)) as port:
        answer = await ask(port, path, method="GET", headers=[OPERATOR])
    assert answer.status == 200
    assert answer.json()["by"] == ["provider", "model", "agent"]
    (selection,) = store.selections
    assert selection.by == ("provider", "model", "agent")
    assert selection.filters == {"status": ("failed",), "agent": ("x",)}


@pytest.mark.parametrize("query", ["", "?filter=agent:dev-agent", "?period=7d"])
@pytest.mark.parametrize("path", PATHS)
async def test_an_agent_sees_its_own_usage_alone(path: str, query: str) -> None:
    store = MemoryStore(OWNED)
    async with serving(make_runtime(store)) as port:
        answer = await ask(port, path + query, method="GET", headers=["x-api-key: mo_a1_secret"])
    assert answer.status == 200
    assert store.selections[0].filters == {"agent": ("dev-agent",)}


@pytest.mark.parametrize("query", ["agent:narrow-agent", "agent:dev-agent&filter=agent:other"])
@pytest.mark.parametrize("path", PATHS)
async def test_an_agent_that_asks_for_another_gets_no_numbers(path: str, query: str) -> None:
    store = MemoryStore(OWNED)
    async with serving(make_runtime(store)) as port:
        url = f"{path}?filter={query}"
        answer = await ask(port, url, method="GET", headers=["x-api-key: mo_a1_secret"])
    assert (answer.status, store.selections) == (403, [])
    assert "an agent's key sees its own usage" in answer.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "by=color",
        "by=label.",
        "period=year",
        "from=x",
        "from=2026-02-30",
        "from=0001-01-01",
        "bucket=week",
        "filter=agent",
        "filter=label.team:x",
        "filter=user:%00",
        "filter=status:sucess",
        "to=x",
        "agent=x",
        "limit=0",
        "limit=100001",
        "cursor=3",
        "period=24h&period=30d",
        "from=2026-11-20&from=2026-11-20",
    ],
)
async def test_bad_reports_are_400_and_say_why(query: str) -> None:
    answer = await get(f"/api/usage?{query}")
    assert (answer.status, bool(answer.json()["detail"])) == (400, True)


async def test_a_report_of_too_many_groups_is_400_and_says_what_to_do(
    new_sqlite_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MAX_GROUPS", 1)
    path = "/api/usage?by=user&from=1970-01-01"
    rows = [attempt(started_at_us=10, user=user) for user in "ab"]
    many, one = await get_of(new_sqlite_store(), rows, path, f"{path}&filter=user:a")
    assert (many.status, one.status) == (400, 200)
    assert "at most 1 groups" in many.json()["detail"]
    assert "filter" in many.json()["hint"]


async def test_the_dearest_groups_have_rows_and_all_others_one(
    new_sqlite_store: Callable[[], str],
) -> None:
    rows = [attempt(started_at_us=10, user=user) for user in "abbbcc"]
    path = "/api/usage?by=user&from=1970-01-01&limit=1"
    (answer,) = await get_of(new_sqlite_store(), rows, path)
    found = answer.json()
    assert [(row["key"], row["attempts"]) for row in found["rows"]] == [({"user": "b"}, 3), ({}, 3)]
    assert (found["others"], found["totals"]["attempts"]) == (2, 6)


async def test_a_request_is_found_by_its_id(new_sqlite_store: Callable[[], str]) -> None:
    times = (10**15, 10**15, 2 * 10**15)
    ids = [f"{us // 1000:012x}{number:020x}" for number, us in enumerate(times)]
    rows = [
        attempt(started_at_us=us + number, request_id=request_id, number=number)
        for request_id, us in zip(ids, times, strict=True)
        for number in range(2)
    ]
    path = f"/api/usage/attempts?request_id={ids[1]}"
    (answer,) = await get_of(new_sqlite_store(), rows, path)
    found = [(row["request_id"], row["number"]) for row in answer.json()["items"]]
    assert found == [(ids[1], 1), (ids[1], 0)]


async def test_of_a_request_an_agent_sees_its_own_attempts() -> None:
    store = MemoryStore(OWNED)
    async with serving(make_runtime(store)) as port:
        path = f"/api/usage/attempts?request_id={'0' * 32}"
        await ask(port, path, method="GET", headers=["x-api-key: mo_a1_secret"])
    assert store.selections[0].filters == {"agent": ("dev-agent",)}


@pytest.mark.parametrize("query", ["request_id=7", f"request_id={'0' * 32}&period=7d"])
async def test_what_chooses_no_request_is_400(query: str) -> None:
    assert (await get(f"/api/usage/attempts?{query}")).status == 400


@pytest.mark.parametrize("path", ["/api/usage/attempts", "/api/usage/export.csv"])
@pytest.mark.parametrize("query", ["period=year", "filter=agent", "filter=color:red", "by=agent"])
async def test_bad_queries_of_attempts_are_400(path: str, query: str) -> None:
    assert (await get(f"{path}?{query}")).status == 400


async def test_the_export_is_csv_with_a_header_written_beside_the_event_loop(
    new_sqlite_store: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []

    def noted(found: Sequence[Attempt]) -> str:
        threads.append(threading.get_ident())
        return csv_lines(found)

    monkeypatch.setattr("modelops.operations.usage.csv_lines", noted)
    rows = [attempt(started_at_us=10) for _ in range(2)]
    path = "/api/usage/export.csv?from=1970-01-01"
    (answer,) = await get_of(new_sqlite_store(), rows, path)
    assert (answer.status, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    lines = answer.body.decode().splitlines()
    assert (len(lines), lines[0].split(",")[0]) == (3, "ChargePeriodStart")
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"since_us": 0, "until_us": 2**63 - 1, "by": ["revision"]}, 200),
        ({"since_us": -1, "until_us": 1}, 400),
        ({"since_us": 0, "until_us": 2**63}, 400),
        ({"since_us": 0, "until_us": 1, "starts": [-(2**63)]}, 400),
        ({"since_us": 0, "until_us": 1, "filters": {"revision": ["x"]}}, 400),
        ({"since_us": 0, "until_us": 1, "filters": {"user": ["\0"]}}, 400),
        ({"since_us": 0, "until_us": 1, "filters": {"revision": ["9" * 20]}}, 400),
    ],
)
async def test_sums_are_asked_for_in_times_and_revisions_that_there_are(
    body: dict[str, object], status: int
) -> None:
    async with serving(make_runtime(MemoryStore(state()))) as port:
        sent = json.dumps(body).encode()
        answer = await ask(port, "/api/state/usage", body=sent)
    assert answer.status == status, answer.body
