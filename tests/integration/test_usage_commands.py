"""`modelops usage` and its commands over real stores, on SQLite and on Postgres."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from unittest.mock import AsyncMock

import msgspec
import pytest
import row_samples as samples

from modelops.cli.main import run
from modelops.metering.attempt import Attempt, Cost, Usage
from modelops.operations.recost import Correction, recost
from modelops.operations.usage import UsageQuery
from modelops.store import cells, open_store
from modelops.store.books import SLOT_US, Adjustment

DAY_US = 96 * SLOT_US
NOW_US = time.time_ns() // 1000
DAY = 3
START_US = (NOW_US // DAY_US - DAY) * DAY_US
"""Three days ago, at midnight UTC."""
DAYS = [
    time.strftime("%Y-%m-%d", time.gmtime((START_US + day * DAY_US) // 1_000_000))
    for day in range(3)
]

MODEL = (
    "  - {{model: big, upstream_model: big-2026,"
    " price: {{input: {price}, output: {price}{tiers}}}}}\n"
)


def configuration(folder: Path, price: str, tiers: str = "") -> Path:
    (folder / "providers.d").mkdir(parents=True, exist_ok=True)
    (folder / "modelops.yaml").write_text("config: books\n")
    (folder / "providers.d" / "second.yaml").write_text(
        "provider: second\nprotocol: openai\nbase_url: https://second.example/v1\nmodels:\n"
        + MODEL.format(price=price, tiers=tiers)
    )
    return folder


def attempt(number: int, revision: int, *, cost: int, outcome: str = "success") -> Attempt:
    ok = outcome == "success"
    return samples.attempt(
        attempt_id=f"{number:032x}",
        request_id=f"{number:032x}",
        started_at_us=START_US + number * 1_000_000,
        revision=revision,
        provider="second",
        model="big",
        usage=Usage(source="reported", input_tokens=10 * ok, output_tokens=5 * ok),
        cost=Cost(
            source="declared", total_pico=cost * 15 * ok, input_pico=cost * 10 * ok,
            output_pico=cost * 5 * ok,
        ),
        latency_us=1_000_000 * revision,
        outcome="success" if ok else "failed",
    )  # fmt: skip


ROWS = [
    *(attempt(n, 1, cost=3_000_000) for n in range(4)),
    *(attempt(n, 2, cost=2_000_000) for n in range(4, 7)),
    attempt(7, 2, cost=0, outcome="failed"),
]


class Program:
    """The command line on one store; `said` is what it wrote to stderr last."""

    def __init__(self, url: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.url, self.folder, self._capsys = url, folder, capsys
        self.said = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        ended = run([*arguments, "-C", str(self.folder), "--store", self.url])
        output, self.said = self._capsys.readouterr()
        assert ended == code, self.said
        return output

    def add(self, rows: Sequence[Attempt]) -> None:
        async def insert() -> None:
            store = open_store(self.url)
            await store.add_attempts(rows)
            await store.close()

        asyncio.run(insert())


@pytest.fixture
def program(store_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Program:
    """Return the program on a store with two revisions that served."""
    made = Program(store_url, tmp_path / "config", capsys)
    for price in ("3", "2"):
        configuration(made.folder, price)
        made("apply", "--yes")
    made.add(ROWS)
    return made


def test_a_report_by_revision_names_commits(program: Program) -> None:
    report = json.loads(program("usage", "--by", "revision", "--period", "7d", "--format", "json"))
    assert {row["key"]["revision"]: row["requests"] for row in report["rows"]} == {"1": 4, "2": 4}
    assert report["commits"].keys() == {"1", "2"}


def test_groups_beyond_the_limit_stand_together(program: Program) -> None:
    program.add([samples.attempt(started_at_us=START_US, revision=1) for _ in range(3)])
    shown = program("usage", "--by", "revision,model", "--period", "7d", "--limit", "1")
    assert "2 others" in shown
    whole = json.loads(program("usage", "--by", "revision", "--period", "7d", "--format", "json"))
    assert whole["others"] == 0
    program("usage", "--limit", "0", code=1)


def test_rows_are_chosen_by_filters(program: Program) -> None:
    assert _cost(program, "--filter", "revision:2") == Decimal("0.00009")
    assert _cost(program, "--filter", "revision:2", "--filter", "revision:1") == _cost(program)
    program("usage", "--filter", "label.team:x", code=1)
    assert "usage cannot be filtered by 'label.team'" in program.said
    program("usage", "--filter", "model", code=1)
    assert "write NAME:VALUE" in program.said
    program("usage", "--filter", "status:success", "--filter", "status:sucess", code=1)
    assert "'sucess' is not a status" in program.said
    assert "write one of success, fallback, failed" in program.said
    program("usage", "--filter", "user:nobody")
    assert program.said == ""
    program("usage", "--period", "7d", "--filter", "model:bigg")
    assert "no row of model 'bigg' in this time; did you mean second/big?" in program.said
    program("usage", "--period", "7d", "--filter", "model:second/big", "--filter", "revision:9")
    assert program.said == ""


def test_a_report_of_too_many_groups_is_refused(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MAX_GROUPS", 1)
    program("usage", "--by", "revision", "--period", "7d", code=1)
    assert "at most 1 groups" in program.said
    program("usage", "--by", "revision", "--period", "7d", "--filter", "revision:2")


def test_two_revisions_are_compared_by_request(program: Program) -> None:
    found = json.loads(program("usage", "compare", "1", "2", "--format", "json"))
    assert [found[side]["cost_per_request_usd"] for side in ("before", "after")] == [
        "0.00004500",
        "0.00002250",
    ]
    assert [found[side]["error_rate"] for side in ("before", "after")] == [0, 0.25]
    assert found["after"]["usage"]["latency_ms"]["mean"] == 2000
    silent = msgspec.structs.replace(
        attempt(8, 2, cost=0), usage=Usage(source="none"), cost=Cost(estimate_pico=1)
    )
    program.add([silent, msgspec.structs.replace(silent, attempt_id=f"{9:032x}")])
    again = json.loads(program("usage", "compare", "1", "2", "--format", "json"))
    assert again["after"]["usage"]["requests"] == 6
    assert again["after"]["cost_per_request_usd"] == "0.00002250", "silence makes nothing cheaper"
    text = program("usage", "compare", "1", "2")
    assert "16.67 %" in text
    earlier = {"outcome": "failed", "final": False}
    program.add(
        [msgspec.structs.replace(silent, attempt_id=f"{n:032x}", **earlier) for n in range(10, 15)]
    )
    again = json.loads(program("usage", "compare", "1", "2", "--format", "json"))
    assert again["after"]["cost_per_request_usd"] == "0.00002250", "nor does failover dearer"
    refused = samples.attempt(started_at_us=START_US, revision=2, provider="", outcome="refused")
    program.add([refused, msgspec.structs.replace(refused, attempt_id=f"{15:032x}")])
    again = json.loads(program("usage", "compare", "1", "2", "--format", "json"))
    assert again["after"]["cost_per_request_usd"] == "0.00002250", "nor do refusals cheaper"
    unpriced = msgspec.structs.replace(silent, attempt_id=f"{16:032x}", usage=ROWS[4].usage)
    priced = msgspec.structs.replace(
        ROWS[4], attempt_id=f"{17:032x}", outcome="adjusted", error_class="unpriced", final=False
    )
    program.add([unpriced, priced])
    again = json.loads(program("usage", "compare", "1", "2", "--format", "json"))
    assert again["after"]["cost_per_request_usd"] == "0.00002400", "120 millionths for 5"
    program("usage", "compare", "1", "9", code=1)
    assert "there is no revision 9" in program.said
    program("usage", "compare", "1", "2", "--from", DAYS[2], code=1)
    assert "revision 1 served nothing" in program.said


def test_an_export_is_verified_without_tolerance(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    head = "day,model,input_tokens,output_tokens,cost_usd\n"
    file.write_text(
        f"{head}{DAYS[0]},big-2026,60,30,0.00026\n{DAYS[0]},big-2026-08-06,10,5,0.00001\n"
    )
    assert "no difference" in program("usage", "verify", str(file), "--provider", "second")
    later = msgspec.structs.replace(attempt(10, 1, cost=1), started_at_us=START_US + DAY_US)
    program.add([later])
    file.write_text(f"{head}{DAYS[0]},big,70,35,\n{DAYS[2]},big,0,0,0\n{DAYS[2]},,0,0,-3\n")
    lines = program("usage", "verify", str(file), "--provider", "second").splitlines()
    assert lines == [
        "second: 2 model-days compared, no difference",
        "no cost in the file for 1: only tokens were compared",
        f"not in the file, but in the books: {DAYS[1]}",
        f"not compared, line 4: -3 USD on {DAYS[2]}",
    ]
    file.write_text(f"{head}{DAYS[0]},big-2026,71,35,0.000270000001\n{DAYS[0]},huge,1,1,1\n")
    found = program("usage", "verify", str(file), "--provider", "second", code=1)
    assert "2 differ" in found
    assert "billed 71, booked 70" in found
    assert "billed 0.000270000001, booked 0.00027" in found
    assert "huge" in found
    program("usage", "verify", str(file), "--provider", "third", code=1)
    assert "name one of second" in program.said
    file.write_text("song,artist\na,b\n")
    program("usage", "verify", str(file), "--provider", "second", code=1)
    assert "no export is known with these columns: song, artist" in program.said
    program("usage", "verify", str(tmp_path / "absent.csv"), "--provider", "second", code=1)
    assert "cannot be read" in program.said


def _cost(program: Program, *filters: str) -> Decimal:
    report = json.loads(program("usage", "--period", "7d", "--format", "json", *filters))
    return Decimal(report["totals"]["cost_usd"])


def test_a_wrong_price_is_corrected_once_by_rows_that_are_added(program: Program) -> None:
    assert _cost(program) == Decimal("0.00027")
    program("usage", "recost", "--from", DAYS[0], "--model", "second/bog", code=1)
    assert "second/bog is not applied" in program.said
    program("usage", "recost", "--from", DAYS[0], code=1)
    assert "to ask on: Correct 4 attempts by -0.00006 USD in all?" in program.said
    assert _cost(program) == Decimal("0.00027")
    program("usage", "recost", "--from", DAYS[0], "--yes")
    assert "Corrected 4 attempts, -0.00006 USD" in program.said
    assert _cost(program) == Decimal("0.00021")
    program("usage", "recost", "--from", DAYS[0], "--yes")
    assert "Every attempt costs what today's prices, or its provider, say" in program.said
    by = json.loads(program("usage", "--by", "status", "--period", "7d", "--format", "json"))
    rows = {row["key"]["status"]: row for row in by["rows"]}
    assert rows["adjusted"]["cost_usd"] == "-0.00006"
    assert (rows["adjusted"]["requests"], rows["adjusted"]["attempts"]) == (0, 0)
    assert (by["totals"]["requests"], by["totals"]["attempts"]) == (8, 8)


def test_a_price_that_comes_and_goes_is_followed_every_time(program: Program) -> None:
    program("usage", "recost", "--from", DAYS[0], "--yes")
    for price, said in (("3", "7 attempts, 0.000105"), ("2", "7 attempts, -0.000105")) * 2:
        configuration(program.folder, price)
        program("apply", "--yes")
        program("usage", "recost", "--from", DAYS[0], "--yes")
        assert f"Corrected {said} USD" in program.said
        assert _cost(program) == Decimal("0.000105") * int(price)
        program("usage", "recost", "--from", DAYS[0], "--yes")
        assert "Every attempt costs what today's prices, or its provider, say" in program.said


def test_a_recost_counts_nothing_that_another_one_added_meanwhile(program: Program) -> None:
    async def both() -> tuple[Correction, ...]:
        store = open_store(program.url)
        query = UsageQuery(period="7d")
        nothing: Mapping[str, Adjustment] = {}
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(store, "adjusted", AsyncMock(return_value=nothing))
            done = [await recost(store, query, now_us=NOW_US, write=True) for _ in range(2)]
        await store.close()
        return tuple(done)

    first, second = asyncio.run(both())
    assert (first.attempts, first.difference_pico) == (4, -60_000_000)
    assert second == Correction()
    assert _cost(program) == Decimal("0.00021")


def test_what_the_price_of_a_collapsed_row_goes_by_is_said_when_it_is_not_known(
    program: Program,
) -> None:
    program.add([msgspec.structs.replace(attempt(20, 2, cost=2_000_000), weight=3)])
    configuration(program.folder, "2", ", tiers: [{above_input_tokens: 9, input: 4, output: 4}]")
    program("apply", "--yes")
    program("usage", "recost", "--from", DAYS[0], "--yes")
    assert "3 attempts stay as booked: they stand in collapsed rows" in program.said
    assert "Corrected 7 attempts" in program.said
    program("usage", "recost", "--from", DAYS[0], "--yes")
    assert "Every other attempt costs what today's prices, or its provider, say" in program.said


def test_a_recost_says_what_has_no_price_any_more(program: Program) -> None:
    file = program.folder / "providers.d" / "second.yaml"
    file.write_text(
        file.read_text().replace("model: big, upstream_model: big-2026", "model: small")
    )
    program("apply", "--yes", "--confirm-delete", "model/second/big")
    program("usage", "recost", "--from", DAYS[0], "--yes")
    assert "7 attempts stay as booked: no price is applied for them now" in program.said
    assert "Every other attempt costs what today's prices, or its provider, say" in program.said


def test_old_attempts_are_pruned_and_still_counted(program: Program) -> None:
    program("usage", "prune", "--before", DAYS[1], code=1)
    assert f"to ask on: Delete 8 attempts from before {DAYS[1]}?" in program.said
    program("usage", "prune", "--before", DAYS[1], "--yes")
    assert "Deleted 8 attempts" in program.said
    program("usage", "prune", "--before", DAYS[1], "--yes")
    assert "There are no attempts" in program.said
    report = json.loads(program("usage", "--from", DAYS[0], "--format", "json", "--by", "model"))
    assert report["totals"]["requests"] == 8
    assert report["totals"]["cost_usd"] == "0.00027"
    program("usage", "--from", f"{DAYS[0]}T00:05", code=1)
    assert "were pruned" in program.said
    program("usage", "recost", "--from", DAYS[0], "--yes", code=1)
    assert f"attempts before {DAYS[1]} were pruned" in program.said
    assert f"begin at {DAYS[1]}, or ask for a report" in program.said
    program("usage", "recost", "--from", DAYS[1], "--yes")
    for wrong in ("tomorrow", "2999-01-01", time.strftime("%Y-%m-%d", time.gmtime())):
        program("usage", "prune", "--before", wrong, "--yes", code=1)
        assert "error: " in program.said
